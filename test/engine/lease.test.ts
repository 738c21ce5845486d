// The lease of an attempt: kept while the work lasts, believed in for no longer than the store can be believing.
import { type Events, execute, LeaseLostError, type OperationContext, onEvent } from '@onceguard/core';
import { type FaultStore, hangs } from '@onceguard/testing';
import { expect, it } from 'vitest';
import { untilAborted } from '../support/aborted.js';
import { told } from './told.js';
import { memoryWorld, nameIn, onEveryStore, recordOf } from './world.js';

type Operation = (context: OperationContext) => unknown;

const pay = (store: FaultStore, options: object, operation: Operation = () => 'paid') =>
  execute(operation, { store, scope: 'tests', key: 'payment-1', ...options });

const aborted = async ({ signal }: OperationContext) => {
  await untilAborted(signal);
  return signal.reason;
};

/** Waits until it may run, or is told something else than that somebody is at work. */
const patiently = { onInProgress: { waitMs: 30_000 } };

onEveryStore('A lease', (open) => {
  it('is renewed at a third of it, as long as the operation lasts, and then left', async () => {
    const { store } = open();
    const leaseMs = 900;
    const began = performance.now();
    const end = await pay(store, { leaseMs }, async ({ signal }) => {
      await store.called('renew', 4);
      expect(await told(pay(store, { leaseMs }))).toBe('in_progress');
      return signal.aborted;
    });
    expect(end).toMatchObject({ kind: 'executed', value: false, recorded: true });
    // No sooner than four thirds of it: it has outlived its first lease.
    expect(performance.now() - began).toBeGreaterThan(leaseMs);
    expect(store.of('renew')[0]?.args[1]).toBe(leaseMs);
    const renewals = store.of('renew').length;
    await new Promise((resolve) => setTimeout(resolve, leaseMs / 2));
    expect(store.of('renew')).toHaveLength(renewals);
  });

  it('that another holds now is noticed at the next renewal: the signal aborts with a LeaseLostError', async () => {
    const { store } = open();
    let reason: unknown;
    await pay(store, { leaseMs: 300 }, async (context) => {
      await store.inner.remove(nameIn(store));
      reason = await aborted(context);
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
      await pay(store, { leaseMs: 300 }, async (context) => {
        await store.called('renew', answered);
        store.on('renew', hangs);
        reason = await aborted(context);
      });
      stop();
      expect(reason).toBeInstanceOf(LeaseLostError);
      expect(heard).toEqual([
        { store: store.name, name: nameIn(store), attempt: 1, reason: expect.stringContaining('time ran out') },
      ]);
    },
  );

  it('of an owner that only paused, and that nobody took over from, still ends in a record', async () => {
    const { store } = open();
    store.on('renew', hangs);
    const end = await pay(store, { leaseMs: 150, onAbandoned: 'block' }, async (context) => {
      await aborted(context);
      const seen = await pay(store, { ...patiently, onAbandoned: 'block' });
      expect(seen).toMatchObject({ kind: 'unknown', retryAfterMs: null });
      return 'paid after a pause';
    });
    expect(end).toMatchObject({ kind: 'executed', recorded: true });
    expect(await told(pay(store, {}))).toBe('paid after a pause, replayed');
  });

  it('is renewed no longer than maxExecutionMs, so that work that never ends gives its key up', async () => {
    const { store } = open();
    await pay(store, { leaseMs: 150, maxExecutionMs: 10 }, aborted);
    expect(store.of('renew')).toEqual([]);
  });

  it('of an owner that is gone ends: the next caller runs as attempt 2, and knows of it', async () => {
    const { store } = open();
    await pay(store, { leaseMs: 100, maxExecutionMs: 10 }, async (abandoned) => {
      const again = await pay(store, patiently, ({ key, attempt, takeover, fencingToken }) => {
        expect(fencingToken).toBeGreaterThan(abandoned.fencingToken);
        return { key, attempt, takeover };
      });
      const value = { key: 'payment-1', attempt: 2, takeover: true };
      expect(again).toEqual({ kind: 'executed', value, attempt: 2, recorded: true });
    });
  });

  it('of guarded work that was abandoned needs a decision: nobody runs', async () => {
    const { store } = open();
    store.on('complete', hangs);
    store.on('renew', hangs);
    await pay(store, { leaseMs: 100, onAbandoned: 'block' }, aborted).catch(() => {});
    const before = await recordOf(store.inner, nameIn(store));
    expect(await told(pay(store, { ...patiently, onAbandoned: 'rerun' }))).toBe('unknown');
    expect(await recordOf(store.inner, nameIn(store))).toEqual(before);
  });
});

it('A renewal that hangs leaves time for the next, however patient the store is', async () => {
  const { store } = memoryWorld({ timeoutMs: 10_000 });
  store.on('renew', hangs, 1);
  const end = await pay(store, { leaseMs: 300 }, async (context) => {
    await Promise.race([aborted(context), store.called('renew', 2)]);
    return context.signal.aborted;
  });
  expect(end).toMatchObject({ kind: 'executed', value: false, recorded: true });
});

it('A throw that follows the loss of the lease counts as abandonment: nothing is released', async () => {
  const { store } = memoryWorld();
  store.on('renew', hangs);
  const work = pay(store, { leaseMs: 100 }, async (context) => {
    throw await aborted(context);
  });
  await expect(work).rejects.toThrow(LeaseLostError);
  expect(store.of('release')).toEqual([]);
  expect(await recordOf(store.inner, nameIn(store))).toMatchObject({ state: 'in_progress' });
});

it('An operation that blocks its process beyond its lease and throws has abandoned it, too', async () => {
  const { store } = memoryWorld();
  const heard: Events['lease_lost'][] = [];
  const stop = onEvent('lease_lost', (event) => heard.push(event));
  const work = pay(store, { leaseMs: 200 }, () => {
    const until = performance.now() + 220;
    while (performance.now() < until);
    throw new Error('declined');
  });
  await expect(work).rejects.toThrow('declined');
  stop();
  expect(heard).toHaveLength(1);
  expect(store.of('release')).toEqual([]);
});
