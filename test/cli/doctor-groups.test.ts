// onceguard doctor on a cluster and through Sentinels: whichever address is given, the masters are looked at.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type RedisCluster,
  type SentinelSet,
  startRedis,
  startRedisCluster,
  startSentinelSet,
} from '../../packages/testing/src/index.js';
import { runOnceguard } from './run-command.js';

interface DoctorReport {
  readonly status: number | null;
  readonly servers: string[];
  /** `code server` */
  readonly findings: string[];
}

/** `timeoutMs` is how long nothing takes, where something is there. */
async function runDoctor(words: readonly string[], timeoutMs = 20_000): Promise<DoctorReport> {
  const { status, stdout, stderr } = await runOnceguard('doctor', ...words, '--json', '--timeout', String(timeoutMs));
  expect(`${stdout}${stderr}`).not.toContain('secret');
  const { servers, findings } = JSON.parse(stdout);
  const told = findings.map(({ code, server }: { code: string; server: string }) => `${code} ${server}`);
  return { status, servers: servers.sort(), findings: told.sort() };
}

describe('A cluster', () => {
  let cluster: RedisCluster;
  let urls: string[];

  beforeAll(async () => {
    cluster = await startRedisCluster({ replicasPerMaster: 0, args: ['--appendonly', 'yes'] });
    await Promise.all(cluster.nodes.map((node) => node.command('CONFIG', 'SET', 'requirepass', 'secret')));
    urls = cluster.addresses.map(({ host, port }) => `redis://:secret@${host}:${port}`);
  });

  afterAll(() => cluster.stop());

  const names = () => cluster.addresses.map(({ host, port }) => `${host}:${port}`).sort();

  const fsyncs = () => names().map((name) => `redis_fsync_every_second ${name}`);

  test('is looked at as a whole where the command says that it is one', async () => {
    const words = [urls[0] ?? '', urls[2] ?? '', '--cluster'];
    expect(await runDoctor(words)).toEqual({ status: 0, servers: names(), findings: fsyncs() });
  });

  test.each([
    ['One node of it', () => [urls[0] ?? '']],
    ['Every node of it', () => urls],
  ])('%s, given as a server, is an error, and all nodes are looked at', async (_which, words) => {
    const given = words().map((url) => `redis_cluster_node ${new URL(url).host}`);
    const findings = [...given, ...fsyncs()].sort();
    expect(await runDoctor(words())).toEqual({ status: 1, servers: names(), findings });
  });

  test('is said to need another connection, and --cluster, where one node is given', async () => {
    const { status, stdout } = await runOnceguard('doctor', urls[0] ?? '');
    expect([status, stdout]).toEqual([1, expect.stringMatching(/connect\(\{ cluster: \[address\] \}\).* --cluster/)]);
  });

  test('has no database but 0', async () => {
    const { status, stdout } = await runOnceguard('doctor', `${urls[0]}/3`);
    expect([status, stdout]).toEqual([
      1,
      expect.stringMatching(/SELECT is not allowed in cluster mode|DB index is out of range/),
    ]);
    const asCluster = await runOnceguard('doctor', `${urls[0]}/3`, '--cluster');
    expect([asCluster.status, asCluster.stderr]).toEqual([2, expect.stringMatching(/database/)]);
  });
});

test.each([
  { called: 'a node', how: [] },
  { called: 'a cluster', how: ['--cluster'] },
])('A cluster that no client gets into, called $called, says why by its nodes', async ({ how }) => {
  const node = await startRedis({
    args: ['--cluster-enabled', 'yes', '--appendonly', 'yes', '--appendfsync', 'always'],
  });
  const found = await runDoctor([node.url, ...how], 2_000);
  await node.stop();
  const name = `127.0.0.1:${node.port}`;
  const incomplete = [`redis_cluster_incomplete ${name}`, 'redis_unreachable cluster'];
  expect(found).toEqual({
    status: 1,
    servers: [name],
    findings: [...(how.length > 0 ? [] : [`redis_cluster_node ${name}`]), ...incomplete].sort(),
  });
});

describe('Sentinels', () => {
  let set: SentinelSet;

  beforeAll(async () => {
    set = await startSentinelSet({ sentinels: 1, args: ['--appendonly', 'yes'] });
  });

  afterAll(() => set.stop());

  test('lead to the master', async () => {
    const found = await runDoctor([...set.sentinels.map(({ url }) => url), '--sentinel', set.masterName]);
    expect(found).toEqual({
      status: 0,
      servers: [set.masterName],
      findings: [`redis_fsync_every_second ${set.masterName}`, `redis_min_replicas ${set.masterName}`],
    });
  });

  test('that know no master of this name are an error', async () => {
    const found = await runDoctor([set.sentinels[0]?.url ?? '', '--sentinel', 'nobody'], 1_000);
    expect(found).toEqual({ status: 1, servers: ['nobody'], findings: ['redis_unreachable nobody'] });
  });

  test('that are given as servers are an error', async () => {
    const { status, findings } = await runDoctor([set.sentinels[0]?.url ?? '']);
    expect([status, findings]).toEqual([1, [`redis_sentinel 127.0.0.1:${set.sentinels[0]?.port}`]]);
  });
});
