// check() on a cluster: every master is looked at, and each finding names the one that it is about.
import { Cluster } from 'ioredis';
import { Cluster as Cluster5 } from 'ioredis5';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Finding } from '../../packages/core/src/stores/redis/diagnostics/check/check-redis.js';
import { hashSlot } from '../../packages/core/src/stores/redis/diagnostics/check/cluster-slots.js';
import { safeClusterOptions } from '../../packages/core/src/stores/redis/index.js';
import { type RedisCluster, startRedis, startRedisCluster } from '../../packages/testing/src/index.js';
import { checkAt, checkWith, codesOf, generousTimeoutMs } from './run-check.js';

let cluster: RedisCluster;

beforeAll(async () => {
  cluster = await startRedisCluster({
    replicasPerMaster: 0,
    args: ['--appendonly', 'yes', '--appendfsync', 'always', '--cluster-require-full-coverage', 'no'],
  });
});

afterAll(() => cluster.stop());

const newSafeClient = () => new Cluster([...cluster.addresses], safeClusterOptions(generousTimeoutMs));

async function checkWithClient(client: Cluster | Cluster5): Promise<readonly Finding[]> {
  client.on('error', () => undefined);
  if (client.status === 'wait') await client.connect();
  await vi.waitUntil(() => client.status === 'ready', 60_000);
  try {
    return await checkWith(client);
  } finally {
    client.disconnect();
  }
}

const nameOf = (at: number) => `127.0.0.1:${cluster.masters[at]?.port}`;

describe('With a cluster that is well', () => {
  test.each([
    { name: 'ioredis 6 with safe options', connect: newSafeClient, finds: [] },
    {
      name: 'ioredis 6 as it is',
      connect: () => new Cluster([...cluster.addresses]),
      finds: ['redis_offline_queue'],
    },
    {
      name: 'ioredis 5 as it is',
      connect: () => new Cluster5([...cluster.addresses]),
      finds: ['redis_offline_queue'],
    },
    {
      name: 'a client that pipelines by itself',
      connect: () => new Cluster([...cluster.addresses], { ...safeClusterOptions(), enableAutoPipelining: true }),
      finds: ['redis_auto_pipelining'],
    },
    {
      name: 'a client that reads from replicas',
      connect: () => new Cluster([...cluster.addresses], { ...safeClusterOptions(), scaleReads: 'slave' }),
      finds: ['redis_reads_from_replicas'],
    },
    {
      name: 'a client with a prefix of its own',
      connect: () => new Cluster([...cluster.addresses], { ...safeClusterOptions(), keyPrefix: 'app:' }),
      finds: [],
    },
  ])('$name has the findings $finds', async ({ connect, finds }) => {
    expect(codesOf(await checkWithClient(connect()))).toEqual(finds);
    for (const node of cluster.nodes) expect(await node.command('DBSIZE')).toBe(0);
  });

  test('a client for one server is no error where one address serves all slots, as an endpoint in front of a cluster does', async () => {
    const alone = await startRedis({
      args: ['--cluster-enabled', 'yes', '--appendonly', 'yes', '--appendfsync', 'always'],
    });
    try {
      await alone.command('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383);
      await vi.waitUntil(
        async () => String(await alone.command('CLUSTER', 'INFO')).includes('cluster_state:ok'),
        60_000,
      );
      expect(await checkAt(alone.url)).toEqual([]);
    } finally {
      await alone.stop();
    }
  });

  test('a client for one server is an error', async () => {
    const findings = await checkAt(cluster.masters[0]?.url ?? '');
    expect(findings).toMatchObject([
      {
        code: 'redis_cluster_node',
        severity: 'error',
        remedy: expect.stringMatching(/cluster: \[address\]/),
        server: nameOf(0),
      },
    ]);
  });
});

describe('What is wrong with one of the masters alone is said of that one', () => {
  test('a setting', async () => {
    await cluster.masters[1]?.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    expect(await checkWithClient(newSafeClient())).toMatchObject([{ code: 'redis_may_evict', server: nameOf(1) }]);
    await cluster.masters[1]?.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
  });

  test.each([undefined, 'app:', 'app:{'])(
    'a missing right, found by a client with the prefix %s',
    async (keyPrefix) => {
      await cluster.masters[0]?.command('ACL', 'SETUSER', 'default', '-hset');
      const client = new Cluster([...cluster.addresses], {
        ...safeClusterOptions(generousTimeoutMs),
        ...(keyPrefix && { keyPrefix }),
      });
      const missing = { code: 'redis_no_rights', message: expect.stringMatching(/HSET/), server: nameOf(0) };
      expect(await checkWithClient(client)).toMatchObject([missing]);
      await cluster.masters[0]?.command('ACL', 'SETUSER', 'default', '+hset');
    },
  );

  test('a memory that is full', async () => {
    await cluster.masters[0]?.command('CONFIG', 'SET', 'maxmemory', '100kb');
    expect(await checkWithClient(newSafeClient())).toMatchObject([
      { code: 'redis_rejects_writes', message: expect.stringMatching(/OOM/), server: nameOf(0) },
    ]);
    await cluster.masters[0]?.command('CONFIG', 'SET', 'maxmemory', 0);
  });

  test('its silence', async () => {
    const client = newSafeClient();
    await client.connect();
    cluster.masters[2]?.freeze();
    const findings = await checkWith(client, { callTimeoutMs: 2_000 });
    cluster.masters[2]?.thaw();
    client.disconnect();
    expect(findings.filter(({ code }) => code === 'redis_unreachable')).toMatchObject([{ server: nameOf(2) }]);
    await cluster.waitUntilOk();
  });
});

test('Slots that nobody serves are an error, as every master sees it', async () => {
  await Promise.all(cluster.nodes.map((node) => node.command('CLUSTER', 'DELSLOTS', 7)));
  const findings = await checkWithClient(newSafeClient());
  expect(findings.map(({ server }) => server).sort()).toEqual([0, 1, 2].map(nameOf).sort());
  for (const one of findings) {
    expect(one).toMatchObject({
      code: 'redis_cluster_incomplete',
      severity: 'error',
      message: expect.stringMatching(/16383 of 16384 slots/),
    });
  }
});

test('A cluster that is not there is one finding', async () => {
  const client = new Cluster([{ host: '127.0.0.1', port: 1 }], safeClusterOptions());
  client.on('error', () => undefined);
  client.connect().catch(() => undefined);
  const findings = await checkWith(client, { callTimeoutMs: 100 });
  client.disconnect();
  expect(findings).toMatchObject([{ code: 'redis_unreachable', severity: 'error', server: 'cluster' }]);
});

test.each(['a', '123456789', 'onceguard:{check-1}', '{check-1}x', 'a{}b', 'a{b', 'foo{{bar}}zap', 'ä{ö}'])(
  'The slot of %s is what Redis says',
  async (key) => {
    expect(hashSlot(key)).toBe(await cluster.masters[0]?.command('CLUSTER', 'KEYSLOT', key));
  },
);
