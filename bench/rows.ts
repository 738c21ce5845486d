// The rows of the benchmark: every way of guarding POST /payments that is measured.
import * as core from '@onceguard/core';
import { type ConnectOptions, RedisStore } from '@onceguard/core/redis';
import type { Express } from 'express';

/** Where a row keeps its records. */
export interface StoreLocation {
  readonly redisUrl: string;
  /** Instead, for onceguard only: the nodes of a cluster. */
  readonly cluster?: ConnectOptions['cluster'];
  /** For onceguard only: the lifetime of its records; default a day. */
  readonly ttlMs?: number;
}

export interface Row {
  readonly name: string;
  readonly title: string;
  readonly kind: 'bare' | 'limit' | 'ours' | 'peer';
  /** What one has to know to read its figures. */
  readonly note: string;
  readonly keepsInRedis: boolean;
  open(location: StoreLocation): Promise<Express>;
}

const localCacheBytes = 64 * 2 ** 20;

export const rows: readonly Row[] = [
  {
    name: 'bare',
    title: 'bare Express',
    kind: 'bare',
    note: 'no guard at all',
    keepsInRedis: false,
    open: async () => (await import('./apps/payment.js')).paymentsApp(null),
  },
  {
    name: 'limit',
    title: 'the limit: SET NX, SET',
    kind: 'limit',
    note: 'two commands by hand, or one GET for a replay, which the benchmark announces; no fingerprint, no lease, no owner',
    keepsInRedis: true,
    open: async ({ redisUrl }) => await (await import('./apps/limit.js')).limitApp(redisUrl, false),
  },
  {
    name: 'limit-pipelined',
    title: 'the limit, auto-pipelined',
    kind: 'limit',
    note: 'the same with `enableAutoPipelining`',
    keepsInRedis: true,
    open: async ({ redisUrl }) => await (await import('./apps/limit.js')).limitApp(redisUrl, true),
  },
  {
    name: 'onceguard-memory',
    title: 'onceguard, memory',
    kind: 'ours',
    note: '`MemoryStore`, all of it for one scope',
    keepsInRedis: false,
    open: async ({ ttlMs }) =>
      (await import('./apps/onceguard.js')).onceguardApp(new core.MemoryStore({ maxScopeShare: 1 }), { ttlMs }),
  },
  {
    name: 'onceguard-redis',
    title: 'onceguard, Redis',
    kind: 'ours',
    note: '`RedisStore.connect()` with its defaults',
    keepsInRedis: true,
    open: async (location) =>
      (await import('./apps/onceguard.js')).onceguardApp(await connectRedisStore(location), location),
  },
  {
    name: 'onceguard-local-cache',
    title: 'onceguard, Redis + local cache',
    kind: 'ours',
    note: 'the same behind `localCache()`',
    keepsInRedis: true,
    open: async (location) => {
      const store = core.localCache(await connectRedisStore(location), { maxBytes: localCacheBytes, maxAgeMs: 60_000 });
      return (await import('./apps/onceguard.js')).onceguardApp(store);
    },
  },
  {
    name: 'onceguard-waiting',
    title: 'onceguard, Redis, duplicates wait',
    kind: 'ours',
    note: '`onInProgress: { waitMs: 10_000 }`: every duplicate gets the response',
    keepsInRedis: true,
    open: async (location) =>
      (await import('./apps/onceguard.js')).onceguardApp(await connectRedisStore(location), { waitMs: 10_000 }),
  },
  {
    name: 'express-idempotency',
    title: 'express-idempotency',
    kind: 'peer',
    note: 'with `express-idempotency-redis-adapter`; responds before it has recorded',
    keepsInRedis: true,
    open: async ({ redisUrl }) => await (await import('./apps/express-idempotency.js')).expressIdempotencyApp(redisUrl),
  },
  {
    name: 'node-idempotency',
    title: '@node-idempotency/core',
    kind: 'peer',
    note: 'with `@node-idempotency/storage-adapter-redis` and a thin middleware that records before it responds',
    keepsInRedis: true,
    open: async ({ redisUrl }) => await (await import('./apps/node-idempotency.js')).nodeIdempotencyApp(redisUrl),
  },
  {
    name: 'powertools',
    title: '@aws-lambda-powertools/idempotency',
    kind: 'peer',
    note: 'around the handler, with `CachePersistenceLayer` on `@redis/client`; payloads are not compared by default',
    keepsInRedis: true,
    open: async ({ redisUrl }) => await (await import('./apps/powertools.js')).powertoolsApp(redisUrl),
  },
];

export function rowNamed(name: string): Row {
  const row = rows.find((one) => one.name === name);
  if (row === undefined) throw new Error(`There is no row ${name}`);
  return row;
}

async function connectRedisStore({ redisUrl, cluster }: StoreLocation): Promise<RedisStore> {
  return await RedisStore.connect(cluster === undefined ? redisUrl : { cluster });
}
