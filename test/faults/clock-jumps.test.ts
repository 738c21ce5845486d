// Case 25: clocks that jump, and owners that pause beyond their lease.
import { once } from 'node:events';
import { type IdempotencyStore, MemoryStore } from '@onceguard/core';
import type { Lease } from '@onceguard/core/store';
import { manualClock } from '@onceguard/testing';
import { describe, expect, vi } from 'vitest';
import { acquireLease, acquireRequest, completionOf } from '../../packages/testing/src/store-suite/test-helpers.js';
import { startChild } from '../adapters/child-process.js';
import { untilPaid } from './audited-payments.js';
import { type Lab, test } from './lab.js';
import { startShiftedRedis } from './shifted-clock.js';

/** A store, and a function that moves its clock by so many seconds. */
type StoreWithClock = { readonly store: IdempotencyStore; shift(seconds: number): void };

const noCompiler = 'Without a C compiler the clock of a Redis cannot be moved.';

const stores: { name: string; open(lab: Lab): Promise<StoreWithClock | null> }[] = [
  {
    name: 'memory',
    async open() {
      const clock = manualClock();
      return { store: new MemoryStore({ clock: clock.now }), shift: (seconds) => clock.advance(seconds * 1_000) };
    },
  },
  {
    name: 'Redis',
    async open(lab) {
      const redis = await startShiftedRedis();
      if (redis === null) return null;
      lab.onEnd(redis.stop);
      return { store: await lab.connect(redis.server.url), shift: redis.shift };
    },
  },
];

describe.each(stores)('on $name', ({ open }) => {
  test('25. A clock that jumps a minute ahead expires leases: the stale owner changes nothing', async ({
    lab,
    skip,
  }) => {
    const { store, shift } = (await open(lab)) ?? skip(noCompiler);
    const stale = await acquireLease({ store, key: 'order' }, { leaseMs: 30_000 });
    shift(60);
    const next = await acquireLease({ store, key: 'order' });
    expect(next).toMatchObject({ attempt: 2, takeover: true });
    expect(next.fencingToken).toBeGreaterThan(stale.fencingToken);
    await expectLeaseLost(store, stale);
    expect(await store.complete(next, completionOf('of the next'))).toMatchObject({ kind: 'ok' });
  });

  test('25. With a clock that jumps a minute ahead, between payments or during one, everything is still paid once', async ({
    lab,
    skip,
  }) => {
    const { store, shift } = (await open(lab)) ?? skip(noCompiler);
    const payments = lab.payments(store);
    expect(await payments.pay('before')).toBe('paid 1, recorded');
    shift(60);
    expect(await payments.pay('order')).toBe('paid 1, recorded');
    expect(await payments.pay('during', () => shift(120))).toBe('paid 1, recorded');
  });

  test('25. A clock that jumps a minute back lengthens leases, and fencing tokens still grow', async ({
    lab,
    skip,
  }) => {
    const { store, shift } = (await open(lab)) ?? skip(noCompiler);
    const first = await acquireLease({ store, key: 'order' }, { leaseMs: 30_000 });
    shift(-60);
    const reply = await store.acquire('order', acquireRequest());
    expect(reply).toMatchObject({ kind: 'in_progress', retryAfterMs: 1_000 });
    await store.release(first, { as: 'retryable' });
    const next = await acquireLease({ store, key: 'order' });
    expect(next.fencingToken).toBeGreaterThan(first.fencingToken);
    await expectLeaseLost(store, first);
  });
});

async function expectLeaseLost(store: IdempotencyStore, lease: Lease): Promise<void> {
  const before = await store.read(lease.key);
  const point = { step: 'charge', seq: 1, bytes: Buffer.from('x') };
  const calls = [
    store.renew(lease, 30_000),
    store.checkpoint(lease, point),
    store.complete(lease, completionOf('of the stale one')),
    store.release(lease, { as: 'retryable' }),
  ];
  for (const call of calls) expect(await call).toMatchObject({ kind: 'lost' });
  expect((await store.read(lease.key)).record).toEqual(before.record);
}

test('25. A replica whose clock is 45 s ahead expires leases when it becomes the master', async ({ lab, skip }) => {
  const master = await lab.redis();
  const replica = await startShiftedRedis({ args: ['--replicaof', '127.0.0.1', String(master.port)] });
  if (replica === null) return skip(noCompiler);
  lab.onEnd(replica.stop);
  replica.shift(45);
  const stale = await acquireLease({ store: await lab.connect(master.url), key: 'order' }, { leaseMs: 30_000 });
  await vi.waitUntil(async () => (await replica.server.command('DBSIZE')) === 1, 60_000);
  await replica.server.command('REPLICAOF', 'NO', 'ONE');
  const store = await lab.connect(replica.server.url);
  const next = await acquireLease({ store, key: 'order' });
  expect(next).toMatchObject({ attempt: 2, takeover: true });
  expect(next.fencingToken).toBeGreaterThan(stale.fencingToken);
  await expectLeaseLost(store, stale);
});

test('25. An owner that paused beyond its lease learns so, and gets the recorded outcome', async ({ lab }) => {
  const redis = await lab.redis();
  const payments = lab.payments(await lab.connect(redis.url));
  const owner = await startChild<string>('../../faults/processes/paused-owner.ts', {
    url: redis.url,
    prefix: lab.prefix,
  });
  lab.onEnd(owner.kill);
  owner.process.kill('SIGSTOP');
  await untilPaid(payments, 'order');
  owner.process.kill('SIGCONT');
  const outcome = once(owner.process, 'message');
  owner.process.send('end');
  expect((await outcome)[0]).toMatchObject({ kind: 'replayed', value: 'paid 1' });
});
