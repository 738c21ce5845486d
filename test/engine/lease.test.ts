// The lease of an attempt: renewed while the work lasts, and considered lost no later than the store considers it expired.
import { type Events, executeIdempotently, LeaseLostError, type OperationContext, onEvent } from '@onceguard/core';
import { type FaultStore, hangs } from '@onceguard/testing';
import { expect, it } from 'vitest';
import { untilAborted } from '../../packages/testing/src/adapter-suite/support/until-aborted.js';
import { briefLease, executeUnderBriefLease } from './brief-lease.js';
import { summarize } from './execution-summary.js';
import { briefTimeout, memoryTestbed, onEveryStore, recordNameIn, recordOf } from './store-testbed.js';

type Operation = (context: OperationContext) => unknown;

const pay = (store: FaultStore, options: object, operation: Operation = () => 'paid') =>
  executeIdempotently(operation, { store, scope: 'tests', key: 'payment-1', ...options });

const payUnderBriefLease = (
  store: FaultStore,
  lease: { leaseMs: number; onAbandoned?: 'block' },
  operation: Operation,
) => executeUnderBriefLease(operation, { store, scope: 'tests', key: 'payment-1', ...lease });

const untilSignalAborts = async ({ signal }: OperationContext) => {
  await untilAborted(signal);
  return signal.reason;
};

/** Waits until the caller may run, or until the reply is no longer `in_progress`. */
const waitingOptions = { onInProgress: { waitMs: 30_000 } };

onEveryStore('A lease', (open) => {
  it('is renewed at a third of it, as long as the operation lasts, and then left', async () => {
    const { store } = open();
    const leaseMs = 4_500;
    const began = performance.now();
    const end = await pay(store, { leaseMs }, async ({ signal }) => {
      await store.waitForCalls('renew', 4);
      expect(await summarize(pay(store, { leaseMs }))).toBe('in_progress');
      return signal.aborted;
    });
    expect(end).toMatchObject({ kind: 'executed', value: false, recorded: true });
    // The fourth renewal comes after four thirds of the lease: the attempt has outlived its first lease.
    expect(performance.now() - began).toBeGreaterThan(leaseMs);
    expect(store.callsOf('renew')[0]?.args[1]).toBe(leaseMs);
    const renewals = store.callsOf('renew').length;
    await new Promise((resolve) => setTimeout(resolve, leaseMs / 2));
    expect(store.callsOf('renew')).toHaveLength(renewals);
  });

  it('that another holds now is noticed at the next renewal: the signal aborts with a LeaseLostError', async () => {
    const { store } = open();
    let reason: unknown;
    await pay(store, { leaseMs: 3_000 }, async (context) => {
      await store.inner.remove(recordNameIn(store));
      reason = await untilSignalAborts(context);
    });
    expect(reason).toBeInstanceOf(LeaseLostError);
  });

  it.each([
    ['from the first', 0],
    ['after one that was answered', 1],
  ])(
    'ends on this side when its own deadline has passed without an answer to renewals, %s',
    async (_since, answered) => {
      const { store } = open();
      const heard: Events['lease_lost'][] = [];
      const stop = onEvent('lease_lost', (event) => heard.push(event));
      let reason: unknown;
      let attempt = 0;
      await payUnderBriefLease(store, { leaseMs: 300 }, async (context) => {
        attempt = context.attempt;
        await store.waitForCalls('renew', answered);
        store.injectFault('renew', hangs);
        reason = await untilSignalAborts(context);
      });
      stop();
      expect(reason).toBeInstanceOf(LeaseLostError);
      expect(heard).toEqual([
        {
          store: store.name,
          recordName: recordNameIn(store),
          operation: 'function',
          attempt,
          reason: expect.stringContaining('time ran out'),
        },
      ]);
    },
  );

  it('of an owner that only paused past it still ends in a record, if nobody took over', async () => {
    const { store } = open();
    store.injectFault('renew', hangs);
    const end = await payUnderBriefLease(store, { leaseMs: 150, onAbandoned: 'block' }, async (context) => {
      await untilSignalAborts(context);
      const seen = await pay(store, { ...waitingOptions, onAbandoned: 'block' });
      expect(seen).toMatchObject({ kind: 'outcome_unknown', retryAfterMs: null });
      return 'paid after a pause';
    });
    expect(end).toMatchObject({ kind: 'executed', recorded: true });
    expect(await summarize(pay(store, {}))).toBe('paid after a pause, replayed');
  });

  it('is renewed no longer than maxExecutionMs, so that work that never ends gives its key up', async () => {
    const { store } = open();
    await payUnderBriefLease(store, briefLease, untilSignalAborts);
    expect(store.callsOf('renew')).toEqual([]);
  });

  it('of a dead owner expires: the next caller runs as the next attempt, and sees the takeover', async () => {
    const { store } = open();
    await payUnderBriefLease(store, briefLease, async (abandoned) => {
      const again = await pay(store, waitingOptions, ({ key, attempt, takeover, fencingToken }) => {
        expect(fencingToken).toBeGreaterThan(abandoned.fencingToken);
        return { key, attempt, takeover };
      });
      const attempt = abandoned.attempt + 1;
      const value = { key: 'payment-1', attempt, takeover: true };
      expect(again).toEqual({ kind: 'executed', value, attempt, recorded: true });
    });
  });

  it('of guarded work that was abandoned needs a decision: nobody runs', async () => {
    const { store } = open(briefTimeout);
    store.injectFault('complete', hangs);
    store.injectFault('renew', hangs);
    const guarded = payUnderBriefLease(store, { leaseMs: 100, onAbandoned: 'block' }, untilSignalAborts);
    await expect(guarded).rejects.toMatchObject({ code: 'store_unavailable' });
    const before = await recordOf(store.inner, recordNameIn(store));
    expect(await summarize(pay(store, { ...waitingOptions, onAbandoned: 'rerun' }))).toBe('outcome_unknown');
    expect(await recordOf(store.inner, recordNameIn(store))).toEqual(before);
  });
});

it('A renewal that hangs leaves time for the next, however patient the store is', async () => {
  const { store } = memoryTestbed({ timeoutMs: 10_000 });
  store.injectFault('renew', hangs, 1);
  const end = await pay(store, { leaseMs: 6_000 }, async (context) => {
    await Promise.race([untilSignalAborts(context), store.waitForCalls('renew', 2)]);
    return context.signal.aborted;
  });
  expect(end).toMatchObject({ kind: 'executed', value: false, recorded: true });
});

it('A throw that follows the loss of the lease counts as abandonment: nothing is released', async () => {
  const { store } = memoryTestbed();
  store.injectFault('renew', hangs);
  const work = payUnderBriefLease(store, { leaseMs: 100 }, async (context) => {
    throw await untilSignalAborts(context);
  });
  await expect(work).rejects.toThrow(LeaseLostError);
  expect(store.callsOf('release')).toEqual([]);
  expect(await recordOf(store.inner, recordNameIn(store))).toMatchObject({ state: 'in_progress' });
});

it('An operation that blocks its process beyond its lease and throws has abandoned it, too', async () => {
  const { store } = memoryTestbed();
  const heard: Events['lease_lost'][] = [];
  const stop = onEvent('lease_lost', (event) => heard.push(event));
  const leaseMs = 1_000;
  const work = pay(store, { leaseMs }, () => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, leaseMs + 20);
    throw new Error('declined');
  });
  await expect(work).rejects.toThrow('declined');
  stop();
  expect(heard).toHaveLength(1);
  expect(store.callsOf('release')).toEqual([]);
});
