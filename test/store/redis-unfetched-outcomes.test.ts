// What a refusal costs: a caller who may not have the recorded answer does not fetch it from Redis.
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RedisClient, RedisStore } from '../../packages/core/src/stores/redis/index.js';
import {
  acquireLease,
  acquireRequest,
  completionOf,
  hourMs,
} from '../../packages/testing/src/store-suite/test-helpers.js';
import { redisUrl } from '../support/redis.js';

const length = 300_000;
const outcome = Buffer.alloc(length, 'a');

let redis: Redis;
/** The bytes of all replies. */
let received = 0;

beforeAll(() => {
  redis = new Redis(redisUrl());
});

afterAll(() => redis.disconnect());

function open() {
  const client: RedisClient = {
    status: 'ready',
    options: {},
    callBuffer: async (command, args) => {
      const reply = await redis.callBuffer(command, args);
      received += bytesIn(reply);
      return reply;
    },
  };
  return { store: new RedisStore({ client, prefix: `refused:${randomUUID()}:` }), key: randomUUID() };
}

function bytesIn(reply: unknown): number {
  if (Array.isArray(reply)) return reply.map(bytesIn).reduce((sum, bytes) => sum + bytes, 0);
  return Buffer.isBuffer(reply) ? reply.byteLength : 0;
}

const places = { 'inside of the record': 24 * hourMs, 'beside the record': hourMs };

test.each(Object.entries(places))(
  'a request with another payload does not fetch an answer that lies %s',
  async (_, ttlMs) => {
    const { store, key } = open();
    await store.complete(await acquireLease({ store, key }), completionOf('', { outcome, outcomeTtlMs: ttlMs }));
    received = 0;
    const refused = await store.acquire(key, acquireRequest({ fingerprint: 'v2:other' }));
    expect(refused).toMatchObject({ kind: 'key_reused', version: 'v1' });
    expect(received).toBeLessThan(1_000);
    const replayed = await store.acquire(key, acquireRequest());
    expect(replayed).toMatchObject({ kind: 'completed', outcome });
    expect(received).toBeGreaterThan(length);
  },
);
