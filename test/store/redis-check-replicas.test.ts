// check(): who is a master, who follows it, and which version is too old.
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { checkUsability } from '../../packages/core/src/stores/redis/diagnostics/check/check-info.js';
import { safeRedisOptions } from '../../packages/core/src/stores/redis/index.js';
import {
  type ReplicaPair,
  type SentinelSet,
  startReplicaPair,
  startSentinelSet,
} from '../../packages/testing/src/index.js';
import { checkAt, checkWith, codesOf, generousTimeoutMs } from './run-check.js';

const aof = ['--appendonly', 'yes'];

describe('With a master and a replica', () => {
  let pair: ReplicaPair;

  beforeAll(async () => {
    pair = await startReplicaPair({ args: aof });
  });

  afterAll(() => pair.stop());

  test('the ordinary good setup has nothing but what is good to know', async () => {
    const findings = await checkAt(pair.master.url);
    expect(codesOf(findings)).toEqual(['redis_fsync_every_second', 'redis_min_replicas']);
    for (const { severity } of findings) expect(severity).toBe('info');
  });

  test('a replica that is given as the server is an error, and nothing is tried on it', async () => {
    const [first, ...others] = await checkAt(pair.replica.url);
    expect(first).toMatchObject({
      code: 'redis_replica',
      severity: 'error',
      remedy: expect.stringMatching(/address of the master/),
    });
    expect(codesOf(others)).toEqual(['redis_fsync_every_second']);
  });

  test.each([
    { replicas: 1, finds: [] },
    {
      replicas: 2,
      finds: [
        { code: 'redis_too_few_replicas', message: expect.stringMatching(/more replicas \(2\) than are online \(1\)/) },
      ],
    },
  ])('durability of $replicas finds $finds', async ({ replicas, finds }) => {
    const findings = await checkAt(pair.master.url, { durability: { replicas, timeoutMs: 300 } });
    expect(findings.filter(({ severity }) => severity !== 'info')).toMatchObject(finds);
  });

  test('min-replicas-to-write is not missed where it is set', async () => {
    await pair.master.command('CONFIG', 'SET', 'min-replicas-to-write', 1);
    expect(codesOf(await checkAt(pair.master.url))).toEqual(['redis_fsync_every_second']);
    await pair.master.command('CONFIG', 'SET', 'min-replicas-to-write', 0);
  });

  test('a replica that went away is missed', async () => {
    await pair.replica.kill();
    const replicas = async () => String(await pair.master.command('INFO', 'replication'));
    await vi.waitUntil(async () => (await replicas()).includes('connected_slaves:0'), 60_000);
    const findings = await checkAt(pair.master.url, { durability: { replicas: 1, timeoutMs: 300 } });
    expect(findings[0]).toMatchObject({
      code: 'redis_too_few_replicas',
      message: expect.stringMatching(/\(1\) than are online \(0\)/),
    });
    await pair.replica.restart();
  });
});

describe('Behind Sentinel', () => {
  let set: SentinelSet;

  beforeAll(async () => {
    set = await startSentinelSet({ sentinels: 1 });
  });

  afterAll(() => set.stop());

  test('the master is looked at, under its name', async () => {
    const sentinels = set.sentinels.map(({ port }) => ({ host: '127.0.0.1', port }));
    const client = new Redis({ sentinels, name: set.masterName, ...safeRedisOptions(generousTimeoutMs) });
    await client.connect();
    const findings = await checkWith(client);
    client.disconnect();
    expect(codesOf(findings)).toEqual(['redis_min_replicas', 'redis_not_persistent']);
    for (const { server } of findings) expect(server).toBe(set.masterName);
  });

  test('a Sentinel that is given as the server is named as one, and nothing else is said', async () => {
    const findings = await checkAt(set.sentinels[0]?.url ?? '');
    expect(findings).toMatchObject([
      { code: 'redis_sentinel', severity: 'error', remedy: expect.stringMatching(/sentinels: \[address\]/) },
    ]);
  });
});

test.each([
  ['5.0.14', ['redis_too_old']],
  ['6.0.16', []],
  ['6.2.0', []],
  ['7.0.15', []],
  ['10.1.0', []],
])('Version %s has the findings %j', (version, finds) => {
  const info = new Map([
    ['redis_version', version],
    ['role', 'master'],
  ]);
  expect(codesOf(checkUsability('a:1', info, new Map(), false))).toEqual(finds);
});
