// Calls that are made in one go: they leave together, and each has its own answer.
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { RedisStore } from '../../packages/core/src/stores/redis/index.js';
import { startFaultProxy } from '../../packages/testing/src/index.js';
import {
  acquireLease,
  acquireRequest,
  assertAcquired,
  completionOf,
} from '../../packages/testing/src/store-suite/test-helpers.js';
import { redisUrl } from '../support/redis.js';
import { countScriptWrites } from '../support/socket-writes.js';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of cleanups.splice(0).reverse()) await end();
});

const safe = { maxRetriesPerRequest: 0, enableOfflineQueue: false, lazyConnect: true };

async function ready(client: Redis | Redis5 = new Redis(redisUrl(), safe)) {
  client.on('error', () => undefined);
  await client.connect();
  cleanups.push(async () => client.disconnect());
  const prefix = `outbox:${randomUUID()}:`;
  return { client, prefix, store: new RedisStore({ client, prefix, callTimeoutMs: 1_000 }) };
}

const keys = Array.from({ length: 20 }, (_, at) => `key-${at}`);

describe.each([
  { version: 6, make: () => new Redis(redisUrl(), safe) },
  { version: 5, make: () => new Redis5(redisUrl(), safe) },
])('calls made in one go, ioredis $version,', ({ make }) => {
  test('leave in one write, and each gets the reply about its own record', async () => {
    const { client, store } = await ready(make());
    // From here on the server knows the script.
    await store.acquire('warm', acquireRequest());
    const writes = countScriptWrites(client);
    const requests = keys.map((key, at) => ({ key, asked: acquireRequest({ fingerprint: `v1:${at}` }) }));
    // Calls leave early where the loop computes for long. No time passes here, however slow the machine is.
    vi.useFakeTimers({ toFake: ['performance'] });
    const sent = requests.map(async ({ key, asked }) => await store.acquire(key, asked));
    const answers = await Promise.all(sent).finally(() => vi.useRealTimers());
    expect(writes()).toBe(1);
    for (const answer of answers) expect(assertAcquired(answer).attempt).toBe(1);
    const records = await Promise.all(keys.map(async (key) => (await store.read(key)).record));
    expect(records.map((record) => record?.ownerToken)).toEqual(requests.map(({ asked }) => asked.ownerToken));
  });

  test('fail each by itself', async () => {
    const { client, prefix, store } = await ready(make());
    await client.set(`${prefix}{ke}key-3`, 'no record');
    const answers = await Promise.allSettled(keys.map(async (key) => await store.acquire(key, acquireRequest())));
    const failed = answers.flatMap((answer, at) =>
      answer.status === 'rejected' ? [{ at, error: answer.reason }] : [],
    );
    expect(failed).toEqual([{ at: 3, error: expect.objectContaining({ class: 'bug' }) }]);
  });
});

test('a call alone needs no pipeline', async () => {
  const { client, store } = await ready();
  const pipelines = vi.spyOn(client, 'pipeline');
  await store.acquire('key', acquireRequest());
  expect(pipelines).not.toHaveBeenCalled();
});

test('calls leave before the turn of the event loop has ended', async () => {
  const { client, store } = await ready();
  await store.read('warm');
  const sent = vi.spyOn(client, 'sendCommand');
  // The check of a new connection may send commands of its own.
  const scripts = () => sent.mock.calls.filter(([command]) => (command as { name?: string }).name === 'evalsha').length;
  const sentAtItsEnd = new Promise((resolve) => setImmediate(() => resolve(scripts())));
  const answer = store.read('first');
  expect(await sentAtItsEnd).toBe(1);
  await answer;
});

test('calls are sent before a long computation ends', async () => {
  const { client, store } = await ready();
  await store.read('warm');
  const sent = vi.spyOn(client, 'sendCommand');
  const first = store.read('first');
  // Longer than any call waits for others.
  const endsAt = performance.now() + 50;
  while (performance.now() < endsAt);
  const second = store.read('second');
  expect(sent).toHaveBeenCalledTimes(2);
  await Promise.all([first, second]);
});

test('a large outcome is sent alone, after the commands queued before it', async () => {
  const { store } = await ready();
  const lease = await acquireLease({ store, key: 'key' });
  const large = completionOf('x'.repeat(1_000_000));
  const point = (seq: number) => ({ step: 'charge', seq, bytes: Buffer.from('about to') });
  // From here on the server knows the script.
  await store.checkpoint(lease, point(1));
  const [noted, completed] = await Promise.all([store.checkpoint(lease, point(2)), store.complete(lease, large)]);
  expect(noted).toMatchObject({ kind: 'ok' });
  expect(completed).toMatchObject({ kind: 'ok' });
});

test('commands queued before the store is closed are still sent', async () => {
  const store = await RedisStore.connect({ url: redisUrl(), prefix: `outbox:${randomUUID()}:` });
  const answers = Promise.all(keys.map(async (key) => await store.acquire(key, acquireRequest())));
  await store.close();
  for (const answer of await answers) expect(assertAcquired(answer).attempt).toBe(1);
});

test('with a server that says nothing, every call ends as unknown', async () => {
  const proxy = await startFaultProxy(redisUrl());
  cleanups.push(async () => await proxy.close());
  const { store } = await ready(new Redis(proxy.url, safe));
  await store.read('warm');
  proxy.blackHole();
  const ended = await Promise.allSettled(keys.map(async (key) => await store.acquire(key, acquireRequest())));
  expect(ended).toEqual(
    keys.map(() => ({ status: 'rejected', reason: expect.objectContaining({ class: 'unknown' }) })),
  );
});
