// The figures of docs/operations.md from which people compute how much memory a Redis needs.
import { recordName } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import type { RedisServer } from '@onceguard/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readRepositoryFile } from '../packages/source-trees.js';
import { acquireRequest, leaseOf } from '../postgres/calls.js';
import { startRedis } from '../support/redis.js';

/** A power of two: the tables of Redis are full then, as they are half-way between two of their sizes in the long run. */
const records = 8_192;
const dayMs = 86_400_000;

let server: RedisServer;
let store: RedisStore;

beforeAll(async () => {
  server = await startRedis({ args: ['--appendonly', 'no', '--save', ''] });
  store = await RedisStore.connect({ url: server.url, callTimeoutMs: 30_000 });
});

afterAll(async () => {
  await store.close();
  await server.stop();
});

async function usedMemory(): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(String(await server.command('INFO', 'memory')))?.[1]);
}

/** Bytes of memory that each record takes. */
async function bytesOfRecord(outcome: Uint8Array | null): Promise<number> {
  await server.command('FLUSHALL');
  const before = await usedMemory();
  for (let n = 0; n < records; n += 256) {
    await Promise.all(
      Array.from({ length: 256 }, async (_, at) => {
        const key = recordName({ scope: 'alice', key: `order-${n + at}`, operation: 'POST /payments' });
        const request = acquireRequest({ operation: 'POST /payments', ownerToken: key.slice(0, 22) });
        const lease = leaseOf(key, request, await store.acquire(key, request));
        await store.complete(lease, { outcome, outcomeTtlMs: dayMs, note: '201', notAfter: 0 });
      }),
    );
  }
  return ((await usedMemory()) - before) / records;
}

test.each([
  ['A record takes about as much beside its response', /A record on Redis takes about (\d+) bytes/, Buffer.alloc(200)],
  ['A tombstone takes about as much', /a tombstone\) about (\d+)/, null],
])('%s as docs/operations.md says: at most that, and at least seven tenths of it', async (_what, figure, outcome) => {
  const [, told = ''] = figure.exec(readRepositoryFile('docs/operations.md')) ?? [];
  const bytes = (await bytesOfRecord(outcome)) - (outcome?.length ?? 0);
  expect(bytes).toBeLessThanOrEqual(Number(told));
  expect(bytes).toBeGreaterThanOrEqual(0.7 * Number(told));
});
