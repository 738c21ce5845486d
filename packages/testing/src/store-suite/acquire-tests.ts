// Suite: acquire on new, running, retryable and completed records.
import assert from 'node:assert/strict';
import type { StoreSuiteContext, StoreTestContext } from './suite-context.js';
import {
  acquireAbandonedLease,
  acquireLease,
  acquireRequest,
  assertAcquired,
  assertRecordUnchanged,
  completionOf,
  hourMs,
  resolveRequest,
  withoutNow,
} from './test-helpers.js';

const steps = new Map([['charge', { seq: 2, text: 'ch_1' }]]);

export function acquireTests(suite: StoreSuiteContext): void {
  suite.describe('acquire', () => {
    grantTests(suite);
    runningAttemptTests(suite);
    endedAttemptTests(suite);
  });
}

function grantTests({ test }: StoreSuiteContext): void {
  test('grants attempt 1 of a new key, with a lease of leaseMs and no steps', async ({ store, key }) => {
    const { now, fencingToken, leaseEndAt, ...first } = assertAcquired(
      await store.acquire(key, acquireRequest({ leaseMs: hourMs })),
    );
    const flags = { takeover: false, recovering: false, guarded: false, fingerprintBound: false };
    const times = { firstAcquiredAt: now, acquiredAt: now };
    const { operation, label, traceparent } = acquireRequest();
    const facts = { attempt: 1, ...flags, operation, label, traceparent, ...times, steps: new Map() };
    assert.deepEqual(first, { kind: 'acquired', ...facts });
    assert.equal(leaseEndAt, now + hourMs);
    assert.ok(
      fencingToken >= now,
      'the fencing token is at least the time, so that it also grows after a loss of data',
    );
  });

  test('sets the fencing token above the highest one that the caller has seen, and above the previous one', async ({
    store,
    key,
  }) => {
    const lastSeenFencingToken = (await store.read(key)).now + 50 * hourMs;
    const first = await acquireLease({ store, key }, { lastSeenFencingToken });
    assert.equal(first.fencingToken, lastSeenFencingToken + 1);
    await store.release(first, { as: 'retryable' });
    assert.equal((await acquireLease({ store, key })).fencingToken, lastSeenFencingToken + 2);
  });

  test('sent again grants the same attempt, and never a shorter lease', async (context) => {
    const { store, key } = context;
    const request = acquireRequest({ onAbandoned: 'block' });
    const first = withoutNow(assertAcquired(await store.acquire(key, request)));
    const again = withoutNow(
      assertAcquired(await store.acquire(key, { ...request, leaseMs: 1, notAfter: request.notAfter + 1 })),
    );
    assert.deepEqual(again, first);
    const longer = assertAcquired(await store.acquire(key, { ...request, leaseMs: 2 * hourMs }));
    assert.deepEqual({ ...withoutNow(longer), leaseEndAt: first.leaseEndAt }, first);
    assert.equal(longer.leaseEndAt, longer.now + 2 * hourMs);
  });

  test('sent again after the end of the lease grants the same attempt with a new lease', async (context) => {
    const lease = await acquireAbandonedLease(context);
    const again = assertAcquired(
      await context.store.acquire(context.key, acquireRequest({ ownerToken: lease.ownerToken })),
    );
    assert.deepEqual([again.attempt, again.fencingToken, again.takeover], [1, lease.fencingToken, false]);
    assert.equal(again.leaseEndAt, again.now + hourMs);
  });
}

function runningAttemptTests({ test }: StoreSuiteContext): void {
  for (const [who, notifyOnEnd] of [
    ['another token', false],
    ['a caller that waits', true],
  ] as const) {
    test(`replies in_progress to ${who} while the lease is alive, with at most its remaining time`, async (context) => {
      await acquireLease(context, { notifyOnEnd });
      const reply = await assertRecordUnchanged(context, () =>
        context.store.acquire(context.key, acquireRequest({ notifyOnEnd })),
      );
      assert.ok(reply.kind === 'in_progress');
      assert.ok(reply.retryAfterMs > 0 && reply.retryAfterMs <= hourMs);
    });
  }

  for (const state of ['in_progress', 'abandoned', 'retryable', 'unknown', 'completed'] as const) {
    test(`replies key_reused with the stored version to another fingerprint, on a record that is ${state}`, async (context) => {
      await createRecordInState(context, state);
      const request = acquireRequest({ fingerprint: 'v2:payment', onAbandoned: 'recover' });
      const reply = await assertRecordUnchanged(context, () => context.store.acquire(context.key, request));
      assert.deepEqual(withoutNow(reply), { kind: 'key_reused', version: 'v1' });
    });
  }

  test('compares nothing if either side has no fingerprint, and keeps the first one given', async (context) => {
    const { store, key } = context;
    await store.release(await acquireLease(context, { fingerprint: null }), { as: 'retryable' });
    await store.release(await acquireLease(context, { fingerprint: 'v1:payment' }), { as: 'retryable' });
    await store.release(await acquireLease(context, { fingerprint: null }), { as: 'retryable' });
    const reply = await store.acquire(key, acquireRequest({ fingerprint: 'v1:other' }));
    assert.deepEqual(withoutNow(reply), { kind: 'key_reused', version: 'v1' });
  });
}

function endedAttemptTests({ test }: StoreSuiteContext): void {
  test('grants the next attempt of a retryable record, with its steps and without takeover', async (context) => {
    const first = await createRecordInState(context, 'retryable');
    const { attempt, takeover, recovering, fencingToken, ...rest } = assertAcquired(
      await context.store.acquire(context.key, acquireRequest()),
    );
    assert.deepEqual([attempt, takeover, recovering], [2, false, false]);
    assert.ok(fencingToken > first.fencingToken);
    assert.deepEqual(decodeSteps(rest.steps), steps);
  });

  test('replies the outcome of a completed record', async (context) => {
    const lease = await createRecordInState(context, 'completed');
    const reply = await assertRecordUnchanged(context, () => context.store.acquire(context.key, acquireRequest()));
    assert.ok(reply.kind === 'completed');
    const { outcome, outcomeLeftMs, completedAt, now, ...facts } = reply;
    assert.equal(Buffer.from(outcome).toString(), 'paid');
    assert.deepEqual(facts, {
      kind: 'completed',
      note: '201',
      traceparent: null,
      attempt: 1,
      fencingToken: lease.fencingToken,
    });
    assert.equal(outcomeLeftMs, completedAt + hourMs - now);
  });

  test('replies expired on a record that was completed without an outcome', async (context) => {
    const lease = await acquireLease(context);
    const { now } = await context.store.complete(lease, completionOf('', { outcome: null, note: '201' }));
    const reply = await context.store.acquire(context.key, acquireRequest());
    assert.deepEqual(withoutNow(reply), { kind: 'expired', completedAt: now, note: '201' });
  });

  for (const state of ['absent', 'in_progress', 'abandoned', 'retryable'] as const) {
    test(`is superseded after its notAfter if it would be granted, and changes nothing: ${state}`, async (context) => {
      const before = state === 'absent' ? null : await createRecordInState(context, state);
      const late = acquireRequest({
        notAfter: 1,
        ...(state === 'in_progress' && before ? { ownerToken: before.ownerToken } : {}),
      });
      const reply = await assertRecordUnchanged(context, () => context.store.acquire(context.key, late));
      assert.deepEqual(withoutNow(reply), { kind: 'superseded' });
    });
  }

  test('replies as usual after its notAfter if it would not be granted', async (context) => {
    const late = acquireRequest({ notAfter: 1 });
    const lease = await acquireLease(context);
    assert.equal((await context.store.acquire(context.key, late)).kind, 'in_progress');
    await context.store.complete(lease, completionOf('paid'));
    assert.equal((await context.store.acquire(context.key, late)).kind, 'completed');
  });
}

/** Creates a record in this state, with one recorded step. */
async function createRecordInState(
  context: StoreTestContext,
  state: 'in_progress' | 'abandoned' | 'retryable' | 'unknown' | 'completed',
) {
  const lease = state === 'abandoned' ? await acquireAbandonedLease(context) : await acquireLease(context);
  const { store } = context;
  for (const [step, { seq, text }] of steps) await store.checkpoint(lease, { step, seq, bytes: Buffer.from(text) });
  switch (state) {
    case 'completed':
      await store.complete(lease, completionOf('paid', { note: '201' }));
      break;
    case 'retryable':
      await store.release(lease, { as: 'unknown', retryAfterMs: null, note: null });
      await store.resolve(lease.key, resolveRequest(lease.fencingToken));
      break;
    case 'unknown':
      await store.release(lease, { as: 'unknown', retryAfterMs: null, note: null });
      break;
    case 'in_progress':
    case 'abandoned':
      break;
  }
  return lease;
}

function decodeSteps(recorded: ReadonlyMap<string, { readonly seq: number; readonly bytes: Uint8Array }>) {
  return new Map([...recorded].map(([step, { seq, bytes }]) => [step, { seq, text: Buffer.from(bytes).toString() }]));
}
