// The rows of the benchmark: every way of guarding POST /payments that is measured.
import * as core from '@onceguard/core';
import { RedisStore, safeRedisOptions } from '@onceguard/core/redis';
import { frameworkRows } from './framework-rows.js';
import type { Row, StoreLocation } from './row.js';

/** A variation of another row. What it differs in shows under these loads. */
const variation = { loads: ['fresh', 'replay'], everyRounds: 2 } as const;

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
    ...variation,
    open: async ({ redisUrl }) => await (await import('./apps/limit.js')).limitApp(redisUrl, true),
  },
  {
    name: 'limit-node-redis',
    title: 'the limit, on node-redis',
    kind: 'limit',
    note: 'the same commands by `@redis/client`, which sends those of one tick together',
    keepsInRedis: true,
    ...variation,
    open: async ({ redisUrl }) => await (await import('./apps/limit.js')).limitOnNodeRedis(redisUrl),
  },
  {
    name: 'by-hand',
    title: '80 lines of Lua',
    kind: 'hand',
    note: 'a claim and an end that only its owner can write, by scripts, and a capture of `res.end`; no fingerprint, no renewal, no release',
    keepsInRedis: true,
    open: async ({ redisUrl }) => await (await import('./apps/by-hand.js')).byHandApp(redisUrl),
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
    name: 'onceguard-iovalkey',
    title: 'onceguard, Redis, on iovalkey',
    kind: 'ours',
    note: '`new RedisStore({ client })` with a client of `iovalkey` and `safeRedisOptions()`',
    keepsInRedis: true,
    ...variation,
    open: async ({ redisUrl }) => {
      const { Redis } = await import('iovalkey');
      const client = new Redis(redisUrl, safeRedisOptions());
      await client.connect();
      return (await import('./apps/onceguard.js')).onceguardApp(new RedisStore({ client }));
    },
  },
  {
    name: 'onceguard-opentelemetry',
    title: 'onceguard, Redis + OpenTelemetry',
    kind: 'ours',
    note: 'the same with `@onceguard/opentelemetry`; spans are made and ended, and go nowhere',
    keepsInRedis: true,
    loads: ['fresh', 'replay'],
    open: async (location) => {
      (await import('./apps/open-telemetry.js')).startOpenTelemetry();
      return (await import('./apps/onceguard.js')).onceguardApp(await connectRedisStore(location), location);
    },
  },
  {
    name: 'onceguard-waiting',
    title: 'onceguard, Redis, duplicates wait',
    kind: 'ours',
    note: '`onInProgress: { waitMs: 10_000 }`: every duplicate gets the response',
    keepsInRedis: true,
    loads: ['duplicates'],
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
  const row = [...rows, ...frameworkRows].find((one) => one.name === name);
  if (row === undefined) throw new Error(`There is no row ${name}`);
  return row;
}

async function connectRedisStore({ redisUrl, cluster }: StoreLocation): Promise<RedisStore> {
  return await RedisStore.connect(cluster === undefined ? redisUrl : { cluster });
}
