// A job that cannot be decided yet: it is delayed, and that uses up none of its attempts.

import { idempotentProcessor } from '@onceguard/bullmq';
import { recovery } from '@onceguard/core';
import { failsBefore } from '@onceguard/testing';
import { expect, test, vi } from 'vitest';
import { untilAborted } from '../../packages/testing/src/adapter-suite/support/until-aborted.js';
import { eventKeyOf, onEveryMajor } from './queue-testbed.js';

/** An answer that comes when the test says so. */
function heldResult() {
  let resolve: (answer: string) => void = () => {};
  const promise = new Promise<string>((open) => {
    resolve = open;
  });
  return { promise, resolve };
}

onEveryMajor((world) => {
  test('while the event is at work elsewhere its next job is delayed by the remaining lease, again and again', async () => {
    const gate = heldResult();
    let runs = 0;
    const charge = async () => {
      runs += 1;
      return await gate.promise;
    };
    const leaseMs = 600;
    world().startWorker(idempotentProcessor(charge, { store: world().store, key: eventKeyOf, leaseMs }), {
      concurrency: 4,
    });

    const first = await world().addJob({ event: 'e1' });
    await vi.waitFor(() => expect(runs).toBe(1), 60_000);
    const others = await Promise.all([1, 2, 3].map(() => world().addJob({ event: 'e1' })));
    for (const other of others) {
      const delayed = await world().untilJobIs(other, 'delayed');
      expect(delayed.delay).toBeLessThanOrEqual(leaseMs);
      expect(delayed.attemptsMade).toBe(0);
      await vi.waitFor(async () => expect((await world().reloadJob(other)).attemptsStarted).toBeGreaterThan(1), 60_000);
    }
    gate.resolve('charged');

    for (const job of [first, ...others]) {
      const completed = await world().untilCompleted(job);
      expect([completed.returnvalue, completed.attemptsMade]).toEqual(['charged', 1]);
    }
    expect(runs).toBe(1);
  });

  test('a job may wait in its worker for the outcome of another, and is not delayed', async () => {
    const gate = heldResult();
    const options = { store: world().store, key: eventKeyOf, onInProgress: { waitMs: 30_000 } };
    world().startWorker(
      idempotentProcessor(() => gate.promise, options),
      { concurrency: 2 },
    );

    const jobs = [await world().addJob({ event: 'e1' }), await world().addJob({ event: 'e1' })];
    for (const job of jobs) await world().untilJobIs(job, 'active');
    gate.resolve('charged');

    for (const job of jobs) {
      const completed = await world().untilCompleted(job);
      expect([completed.returnvalue, completed.attemptsStarted]).toEqual(['charged', 1]);
    }
  });

  test('while nobody can tell what happened the job is delayed by what `recover` says, and asked again', async () => {
    let asked = 0;
    const charge = () => {
      throw new Error('the connection ended');
    };
    const onAbandoned = () => (++asked < 3 ? recovery.stillUnknown(50) : recovery.done('found'));
    const options = { store: world().store, key: eventKeyOf, onFailure: 'unknown', onAbandoned } as const;
    world().startWorker(idempotentProcessor<Parameters<typeof eventKeyOf>[0], string>(charge, options));

    await world().untilFailed(await world().addJob({ event: 'e1' }));
    const found = await world().untilCompleted(await world().addJob({ event: 'e1' }));

    expect([found.returnvalue, found.attemptsMade, asked]).toEqual(['found', 1, 3]);
  });

  test.each(['unavailable', 'unknown', 'misconfigured'] as const)(
    'before the work, with a store whose calls fail as %s, the job is delayed and nothing runs',
    async (how) => {
      let runs = 0;
      const { store } = world();
      store.injectFault('acquire', failsBefore(how));
      world().startWorker(idempotentProcessor(() => ++runs, { store, key: eventKeyOf }));

      const delayed = await world().untilJobIs(await world().addJob({ event: 'e1' }), 'delayed');
      expect([delayed.attemptsMade, runs]).toEqual([0, 0]);
      store.clearFaults();
      await delayed.promote();

      const completed = await world().untilCompleted(delayed);
      expect([completed.returnvalue, completed.attemptsMade]).toEqual([1, 1]);
    },
  );

  test('a request that the store takes for nonsense is a failure like any other', async () => {
    const { store } = world();
    store.injectFault('acquire', failsBefore('bug'));
    world().startWorker(idempotentProcessor(() => 1, { store, key: eventKeyOf }));
    const failed = await world().untilFailed(await world().addJob({ event: 'e1' }));
    expect([failed.failedReason, failed.attemptsMade]).toEqual([
      'FaultStore: the call failed before it took effect.',
      1,
    ]);
  });

  test('work that began, and of which the store hears nothing, uses up an attempt', async () => {
    const { store } = world();
    for (const verb of ['renew', 'complete'] as const) store.injectFault(verb, failsBefore());
    const charge = async (_job: unknown, { signal }: { signal: AbortSignal }) => {
      await untilAborted(signal);
      return 'charged too late';
    };
    const failures = world().collectFailures(
      world().startWorker(idempotentProcessor(charge, { store, key: eventKeyOf, leaseMs: 2_000 })),
    );

    const failed = await world().untilFailed(await world().addJob({ event: 'e1' }));

    expect(failed.attemptsMade).toBe(1);
    expect(failures[0]).toMatchObject({ code: 'store_unavailable' });
  });
});
