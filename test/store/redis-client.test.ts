// The client that RedisStore is given: left as it is, and judged by what it answers.
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import { describe, expect, test, vi } from 'vitest';
import { RedisStore } from '../../packages/core/src/stores/redis/index.js';
import {
  acquireLease,
  acquireRequest,
  completionOf,
  toLease,
} from '../../packages/testing/src/store-suite/test-helpers.js';
import { redisUrl } from '../support/redis.js';

const safe = { enableOfflineQueue: false, maxRetriesPerRequest: 0, lazyConnect: true };

const facts = {
  attempt: 1,
  fencingToken: 1,
  takeover: false,
  recovering: false,
  guarded: false,
  fingerprintBound: false,
  operation: 'POST /payments',
  label: null,
  traceparent: null,
  firstAcquiredAt: 1,
  acquiredAt: 1,
  leaseEndAt: 1,
  steps: new Map(),
};
const strangersLease = toLease('a', acquireRequest(), { kind: 'acquired', ...facts });

describe('a client that is passed in', () => {
  test.each([
    { name: 'ioredis 6', client: () => new Redis(redisUrl()) },
    { name: 'ioredis 5', client: () => new Redis5(redisUrl()) },
  ])('is left as it was, and open, by all that the store does ($name)', async ({ client: make }) => {
    const client = make();
    await client.ping();
    const looks = () => [
      Object.keys(client),
      Object.keys(client.options),
      client.listenerCount('error'),
      client.scriptsSet,
    ];
    const before = structuredClone(looks());
    const store = new RedisStore({ client, prefix: `client:${randomUUID()}:` });
    const lease = await acquireLease({ store, key: 'a' });
    await store.complete(lease, completionOf('paid'));
    await store.scan({ cursor: null, limit: 1 });
    await store.close();
    expect(looks()).toEqual(before);
    expect(await client.ping()).toBe('PONG');
    client.disconnect();
  });

  test('that is closed makes every call misconfigured, with the remedy', async () => {
    const client = new Redis(redisUrl());
    const store = new RedisStore({ client });
    await store.read('a');
    await client.quit();
    await vi.waitUntil(() => client.status === 'end', 60_000);
    const said = {
      class: 'misconfigured',
      message: expect.stringMatching(/^The Redis client is closed\. Give RedisStore a client that stays/),
    };
    await expect(store.acquire('a', acquireRequest())).rejects.toMatchObject(said);
  });

  test('that is not connected makes calls unavailable, at once', async () => {
    const client = new Redis(1, '127.0.0.1', { ...safe, retryStrategy: () => 60_000 });
    client.on('error', () => undefined);
    client.connect().catch(() => undefined);
    const store = new RedisStore({ client });
    await expect(store.read('a')).rejects.toMatchObject({ class: 'unavailable' });
    client.disconnect();
  });

  test('may answer numbers as text', async () => {
    const client = new Redis(redisUrl(), { stringNumbers: true });
    const store = new RedisStore({ client, prefix: `client:${randomUUID()}:` });
    const lease = await acquireLease({ store, key: 'a' });
    expect(await store.acquire('a', acquireRequest({ ownerToken: lease.ownerToken }))).toMatchObject({
      fencingToken: lease.fencingToken,
      attempt: 1,
    });
    client.disconnect();
  });

  test.each([
    { what: 'nothing', reply: null },
    { what: 'text', reply: 'text' },
    { what: 'an empty list', reply: [] },
    { what: 'a list in a list', reply: [[]] },
    { what: 'no time', reply: [Buffer.from('soon'), Buffer.from('gone')] },
    { what: 'no kind', reply: [1, null] },
    { what: 'a kind that there is not', reply: [1, Buffer.from('surprise')] },
    { what: 'less than that kind has', reply: [1, Buffer.from('ok')] },
  ])('that answers $what is a bug', async ({ reply }) => {
    const client = { status: 'ready', options: safe, callBuffer: async () => reply };
    await expect(new RedisStore({ client }).renew(strangersLease, 1)).rejects.toMatchObject({ class: 'bug' });
  });
});
