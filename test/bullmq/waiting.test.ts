// A job that cannot be decided yet: it is delayed, and that uses up none of its attempts.

import { idempotentProcessor } from '@onceguard/bullmq';
import { done, stillUnknown } from '@onceguard/core';
import { failsBefore } from '@onceguard/testing';
import { expect, test, vi } from 'vitest';
import { untilAborted } from '../support/aborted.js';
import { eventOf, onEveryMajor } from './world.js';

/** An answer that comes when the test says so. */
function gated() {
  let resolve: (answer: string) => void = () => {};
  const promise = new Promise<string>((open) => {
    resolve = open;
  });
  return { promise, resolve };
}

onEveryMajor((world) => {
  test('while the event is at work elsewhere its next job is delayed by the remaining lease, again and again', async () => {
    const gate = gated();
    let runs = 0;
    const charge = async () => {
      runs += 1;
      return await gate.promise;
    };
    const leaseMs = 600;
    world().worker(idempotentProcessor(charge, { store: world().store, key: eventOf, leaseMs }), { concurrency: 4 });

    const first = await world().add({ event: 'e1' });
    await vi.waitFor(() => expect(runs).toBe(1));
    const others = await Promise.all([1, 2, 3].map(() => world().add({ event: 'e1' })));
    for (const other of others) {
      const delayed = await world().until(other, 'delayed');
      expect(delayed.delay).toBeLessThanOrEqual(leaseMs);
      expect(delayed.attemptsMade).toBe(0);
      await vi.waitFor(async () => expect((await world().job(other)).attemptsStarted).toBeGreaterThan(1));
    }
    gate.resolve('charged');

    for (const job of [first, ...others]) {
      const completed = await world().completed(job);
      expect([completed.returnvalue, completed.attemptsMade]).toEqual(['charged', 1]);
    }
    expect(runs).toBe(1);
  });

  test('a job may wait in its worker for the outcome of another, and is not delayed', async () => {
    const gate = gated();
    const options = { store: world().store, key: eventOf, onInProgress: { waitMs: 30_000 } };
    world().worker(
      idempotentProcessor(() => gate.promise, options),
      { concurrency: 2 },
    );

    const jobs = [await world().add({ event: 'e1' }), await world().add({ event: 'e1' })];
    for (const job of jobs) await world().until(job, 'active');
    gate.resolve('charged');

    for (const job of jobs) {
      const completed = await world().completed(job);
      expect([completed.returnvalue, completed.attemptsStarted]).toEqual(['charged', 1]);
    }
  });

  test('while nobody can tell what happened the job is delayed by what `recover` says, and asked again', async () => {
    let asked = 0;
    const charge = () => {
      throw new Error('the connection ended');
    };
    const onAbandoned = () => (++asked < 3 ? stillUnknown(50) : done('found'));
    const options = { store: world().store, key: eventOf, onFailure: 'unknown', onAbandoned } as const;
    world().worker(idempotentProcessor<Parameters<typeof eventOf>[0], string>(charge, options));

    await world().failed(await world().add({ event: 'e1' }));
    const found = await world().completed(await world().add({ event: 'e1' }));

    expect([found.returnvalue, found.attemptsMade, asked]).toEqual(['found', 1, 3]);
  });

  test.each(['unavailable', 'unknown', 'misconfigured'] as const)(
    'before the work, with a store whose calls fail as %s, the job is delayed and nothing runs',
    async (how) => {
      let runs = 0;
      const { store } = world();
      store.on('acquire', failsBefore(how));
      world().worker(idempotentProcessor(() => ++runs, { store, key: eventOf }));

      const delayed = await world().until(await world().add({ event: 'e1' }), 'delayed');
      expect([delayed.attemptsMade, runs]).toEqual([0, 0]);
      store.heal();
      await delayed.promote();

      const completed = await world().completed(delayed);
      expect([completed.returnvalue, completed.attemptsMade]).toEqual([1, 1]);
    },
  );

  test('a request that the store takes for nonsense is a failure like any other', async () => {
    const { store } = world();
    store.on('acquire', failsBefore('bug'));
    world().worker(idempotentProcessor(() => 1, { store, key: eventOf }));
    const failed = await world().failed(await world().add({ event: 'e1' }));
    expect([failed.failedReason, failed.attemptsMade]).toEqual(['It was told to fail before.', 1]);
  });

  test('work that began, and of which the store hears nothing, uses up an attempt', async () => {
    const { store } = world();
    for (const verb of ['renew', 'complete'] as const) store.on(verb, failsBefore());
    const charge = async (_job: unknown, { signal }: { signal: AbortSignal }) => {
      await untilAborted(signal);
      return 'charged too late';
    };
    const failures = world().failuresOf(
      world().worker(idempotentProcessor(charge, { store, key: eventOf, leaseMs: 100 })),
    );

    const failed = await world().failed(await world().add({ event: 'e1' }));

    expect(failed.attemptsMade).toBe(1);
    expect(failures[0]).toMatchObject({ code: 'store_unavailable' });
  });
});
