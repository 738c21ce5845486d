// A process that stands still: it is stopped, throttled, or computes for long. Replies that arrived meanwhile count, however late they are read.
import { randomUUID } from 'node:crypto';
import { executeIdempotently } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { redisUrl } from '../support/redis.js';

const callTimeoutMs = 1_000;

/** Computes beyond the deadlines of all calls that have been sent. */
function standStill(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, callTimeoutMs * 2);
}

it('gives up no call whose reply is there, though every deadline is over', async () => {
  const client = new Redis(redisUrl());
  const prefix = `still:${randomUUID()}:`;
  const store = new RedisStore({ client, callTimeoutMs, prefix });
  const runs: string[] = [];
  const call = async (key: string) =>
    await executeIdempotently(() => runs.push(key), { store, scope: 'tests', key, operation: 'charge' });
  // Before them the connection is established, the script is loaded, and the time of the store is known.
  await client.ping();
  await call('before');
  const calls = ['a', 'b', 'c'].map(call);
  // Callbacks of a batch run in the iteration after it is sent.
  await new Promise(setImmediate);
  standStill();
  expect(await Promise.all(calls)).toMatchObject([{ kind: 'executed' }, { kind: 'executed' }, { kind: 'executed' }]);
  expect(runs).toEqual(['before', 'a', 'b', 'c']);
  await store.close();
  client.disconnect();
});
