// RedisStore on a cluster client that is passed in.
import { randomUUID } from 'node:crypto';
import { Cluster, Redis } from 'ioredis';
import { Cluster as Cluster5 } from 'ioredis5';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { listDoubts } from '../../packages/core/src/index.js';
import type { ScanPage } from '../../packages/core/src/store/port.js';
import { RedisStore } from '../../packages/core/src/stores/redis/index.js';
import { acquireLease, acquireRequest, completionOf } from '../../packages/testing/src/store-suite/test-helpers.js';
import { type RedisServer, startRedis } from '../support/redis.js';

let servers: RedisServer[];
let admins: Redis[];

beforeAll(async () => {
  servers = await Promise.all([0, 1].map(() => startRedis({ args: ['--cluster-enabled', 'yes'] })));
  admins = servers.map(({ url }) => new Redis(url));
  await Promise.all(admins.map((admin, index) => admin.cluster('ADDSLOTSRANGE', index * 8_192, index * 8_192 + 8_191)));
  for (const { port } of servers) await admins[0]?.cluster('MEET', '127.0.0.1', port);
  const isOk = async (admin: Redis) => String(await admin.cluster('INFO')).includes('cluster_state:ok');
  await vi.waitUntil(async () => (await Promise.all(admins.map(isOk))).every(Boolean), 60_000);
});

afterAll(async () => {
  for (const admin of admins) admin.disconnect();
  await Promise.all(servers.map((server) => server.stop()));
});

describe.each([
  { name: 'ioredis 6', connect: (port: number) => new Cluster([{ host: '127.0.0.1', port }]) },
  { name: 'ioredis 5', connect: (port: number) => new Cluster5([{ host: '127.0.0.1', port }]) },
])('a cluster client of $name', ({ connect }) => {
  test('works on every slot, keeps a record and its outcome together, and scans all masters', async () => {
    const client = connect(servers[0]?.port ?? 0);
    const store = new RedisStore({ client, prefix: `${randomUUID()}:`, callTimeoutMs: 5_000 });
    const keys = Array.from({ length: 30 }, () => randomUUID()).sort();
    await Promise.all(
      keys.map(async (key) => store.complete(await acquireLease({ store, key }), completionOf('paid'))),
    );
    for (const key of keys) expect((await store.acquire(key, acquireRequest())).kind).toBe('completed');

    expect(await scanned(store)).toEqual(keys);
    const held = await Promise.all(admins.map((admin) => admin.keys('*')));
    for (const names of held) {
      const [records, outcomes] = [
        names.filter((name) => !name.includes('}:') && !name.endsWith(':more')),
        names.filter((name) => name.endsWith(':more')),
      ];
      expect(records.length).toBeGreaterThan(0);
      expect(outcomes.sort()).toEqual(records.map((name) => `${name}:more`).sort());
    }
    client.disconnect();
  });
});

test('a list of doubts finds those of every node', async () => {
  const client = new Cluster([{ host: '127.0.0.1', port: servers[0]?.port ?? 0 }]);
  const store = new RedisStore({ client, prefix: `${randomUUID()}:`, callTimeoutMs: 10_000 });
  const keys = Array.from({ length: 30 }, () => randomUUID()).sort();
  for (const key of keys) {
    const lease = await acquireLease({ store, key }, { onAbandoned: 'block' });
    await store.release(lease, { as: 'unknown', retryAfterMs: null, note: null });
  }
  const { doubts, cursor } = await listDoubts(store);
  expect([doubts.map(({ recordName }) => recordName), cursor]).toEqual([keys, null]);
  client.disconnect();
});

async function scanned(store: RedisStore): Promise<string[]> {
  const found = new Set<string>();
  let cursor: string | null = null;
  do {
    const page: ScanPage = await store.scan({ cursor, limit: 5 });
    for (const { key } of page.records) found.add(key);
    cursor = page.cursor;
  } while (cursor !== null);
  return [...found].sort();
}
