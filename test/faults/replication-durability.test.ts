// Case 17, call by call: durability with a replica that does not confirm.
import { expect, vi } from 'vitest';
import {
  acquireLease,
  acquireRequest,
  completionOf,
  resolveRequest,
} from '../../packages/testing/src/store-suite/test-helpers.js';
import { test } from './lab.js';
import { type ProxiedPair, resyncReplica, startProxiedPair } from './replica-pairs.js';
import { expectWritesAgain } from './store-writes-again.js';

const durability = { replicas: 1, timeoutMs: 200 };

test.for<[how: string, lose: (pair: ProxiedPair) => unknown]>([
  ['is cut off', ({ link }) => link.blackHole()],
  ['is frozen', ({ replica }) => replica.freeze()],
  ['is killed', ({ replica }) => replica.kill()],
])('17. While the replica %s nothing runs; when it is back, every call gets its reply.', async ([, lose], { lab }) => {
  const pair = await startProxiedPair(lab);
  const payments = lab.payments(await lab.connect(pair.master.url, { durability }));
  expect(await payments.pay('first')).toBe('paid 1, recorded');
  await lose(pair);
  expect(await payments.pay('second')).toBe('store_unavailable');
  await resyncReplica(pair);
  await expectWritesAgain(payments.store);
  expect(await payments.pay('first')).toBe('paid 1, replayed');
  await vi.waitFor(async () => expect(await payments.pay('second')).toBe('paid 1, recorded'), 60_000);
});

test('17. A result that the replica lacks is given to its caller, marked, and recorded when the replica is back.', async ({
  lab,
}) => {
  const pair = await startProxiedPair(lab);
  const payments = lab.payments(await lab.connect(pair.master.url, { durability }));
  const unrecorded = lab.collectEvents('outcome_unrecorded');
  const late = lab.collectEvents('recorded_late');
  expect(await payments.pay('order', () => pair.link.blackHole())).toBe('paid 1, not recorded');
  expect(unrecorded).toHaveLength(1);
  expect(late).toEqual([]);
  await resyncReplica(pair);
  await vi.waitUntil(() => late.length > 0, 60_000);
  expect(late).toMatchObject([{ kind: 'recorded', reason: null, attempt: 1 }]);
  expect(await payments.pay('order')).toBe('paid 1, replayed');
});

test('17. A result that the replica lacks is not replayed, until it has it.', async ({ lab }) => {
  const pair = await startProxiedPair(lab);
  const careless = lab.payments(await lab.connect(pair.master.url));
  const careful = lab.payments(await lab.connect(pair.master.url, { durability }));
  expect(await careful.pay('first')).toBe('paid 1, recorded');
  pair.link.blackHole();
  expect(await careless.pay('second')).toBe('paid 1, recorded');
  expect(await careless.pay('second')).toBe('paid 1, replayed');
  expect(await careful.pay('second')).toBe('store_unavailable');
  await resyncReplica(pair);
  await expectWritesAgain(careful.store);
  expect(await careful.pay('second')).toBe('paid 1, replayed');
});

// In Redis 7.2 and Valkey WAIT covers only what its connection wrote, not what it read.
test('17. A replay writes the record unchanged, so that WAIT covers it.', async ({ lab }) => {
  const { master, replica } = await startProxiedPair(lab);
  const store = await lab.connect(master.url, { durability });
  const statistics = async () => String(await replica.command('INFO', 'commandstats'));
  const writes = async () => Number(/cmdstat_append:calls=(\d+)/.exec(await statistics())?.[1] ?? 0);
  const standing = async () => await replica.command('DUMP', `${lab.prefix}{or}order`);
  await store.complete(await acquireLease({ store, key: 'order' }), completionOf('paid'));
  const [written, record] = [await writes(), await standing()];
  expect(await store.acquire('order', acquireRequest())).toMatchObject({ kind: 'completed' });
  expect([await writes(), await standing()]).toEqual([written + 1, record]);
  expect(await store.acquire('late', acquireRequest({ notAfter: 0 }))).toMatchObject({ kind: 'superseded' });
  expect(await replica.command('EXISTS', `${lab.prefix}{la}late`)).toBe(0);
});

test('17. Replies wait for the replica, except to a release, which at worst frees the key late.', async ({ lab }) => {
  const pair = await startProxiedPair(lab);
  const store = await lab.connect(pair.master.url, { durability });
  const lease = await acquireLease({ store, key: 'order' });
  const unknown = await acquireLease({ store, key: 'unknown' });
  await store.release(unknown, { as: 'unknown', retryAfterMs: null, note: null });
  pair.link.blackHole();
  const step = { step: 'charge', seq: 1, bytes: Buffer.from('x') };
  const waiting: readonly (() => Promise<unknown>)[] = [
    () => store.acquire('new', acquireRequest()),
    () => store.renew(lease, 60_000),
    () => store.checkpoint(lease, step),
    () => store.complete(lease, completionOf('paid')),
    () => store.acquire('order', acquireRequest()),
    () => store.resolve('unknown', resolveRequest(unknown.fencingToken)),
  ];
  for (const call of waiting) {
    await expect(call()).rejects.toMatchObject({
      class: 'unknown',
      message: expect.stringMatching(/0 of 1 replica confirmed the write within 200 ms/),
    });
  }
  const otherLease = await acquireLease({ store: await lab.connect(pair.master.url), key: 'other' });
  expect(await store.release(otherLease, { as: 'retryable' })).toMatchObject({ kind: 'ok' });
  expect((await store.read('order')).record).toMatchObject({ state: 'completed' });
});
