// The suite: acquire, as long as nobody is in doubt.
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

export function acquireTests({ describe, test }: StoreSuiteContext): void {
  describe('acquire', () => {
    test('runs a key that was never seen as attempt 1, with a lease of leaseMs and no steps', async ({
      store,
      key,
    }) => {
      const { now, fencingToken, leaseEndAt, ...first } = assertAcquired(
        await store.acquire(key, acquireRequest({ leaseMs: hourMs })),
      );
      const flags = { takeover: false, recovering: false, guarded: false, fingerprintBound: false };
      const facts = { attempt: 1, ...flags, steps: new Map() };
      assert.deepEqual(first, { kind: 'acquired', ...facts });
      assert.equal(leaseEndAt, now + hourMs);
      assert.ok(fencingToken >= now, 'the fencing token is at least the time, so that it grows over data loss');
    });

    test('raises the fencing token above what the caller has seen, and above the one before', async ({
      store,
      key,
    }) => {
      const seen = (await store.read(key)).now + 50 * hourMs;
      const first = await acquireLease({ store, key }, { lastSeenFencingToken: seen });
      assert.equal(first.fencingToken, seen + 1);
      await store.release(first, { as: 'retryable' });
      assert.equal((await acquireLease({ store, key })).fencingToken, seen + 2);
    });

    test('sent again answers the very same attempt, and no shorter lease', async (bench) => {
      const { store, key } = bench;
      const asked = acquireRequest({ onAbandoned: 'block' });
      const first = withoutNow(assertAcquired(await store.acquire(key, asked)));
      const again = withoutNow(
        assertAcquired(await store.acquire(key, { ...asked, leaseMs: 1, notAfter: asked.notAfter + 1 })),
      );
      assert.deepEqual(again, first);
      const longer = assertAcquired(await store.acquire(key, { ...asked, leaseMs: 2 * hourMs }));
      assert.deepEqual({ ...withoutNow(longer), leaseEndAt: first.leaseEndAt }, first);
      assert.equal(longer.leaseEndAt, longer.now + 2 * hourMs);
    });

    test('sent again after the lease is over is the very same attempt under a new lease', async (bench) => {
      const lease = await acquireAbandonedLease(bench);
      const again = assertAcquired(
        await bench.store.acquire(bench.key, acquireRequest({ ownerToken: lease.ownerToken })),
      );
      assert.deepEqual([again.attempt, again.fencingToken, again.takeover], [1, lease.fencingToken, false]);
      assert.equal(again.leaseEndAt, again.now + hourMs);
    });

    for (const [who, notifyOnEnd] of [
      ['another token', false],
      ['one that waits', true],
    ] as const) {
      test(`tells ${who} that the lease is alive, and for how long at most`, async (bench) => {
        await acquireLease(bench, { notifyOnEnd });
        const answer = await assertRecordUnchanged(bench, () =>
          bench.store.acquire(bench.key, acquireRequest({ notifyOnEnd })),
        );
        assert.ok(answer.kind === 'in_progress');
        assert.ok(answer.retryAfterMs > 0 && answer.retryAfterMs <= hourMs);
      });
    }

    for (const state of ['in_progress', 'abandoned', 'retryable', 'unknown', 'completed'] as const) {
      test(`tells another fingerprint mismatch with the stored version, on a record that is ${state}`, async (bench) => {
        await createRecordInState(bench, state);
        const other = acquireRequest({ fingerprint: 'v2:payment', onAbandoned: 'recover' });
        const answer = await assertRecordUnchanged(bench, () => bench.store.acquire(bench.key, other));
        assert.deepEqual(withoutNow(answer), { kind: 'key_reused', version: 'v1' });
      });
    }

    test('compares nothing where either side has no fingerprint, and keeps the one that was given', async (bench) => {
      const { store, key } = bench;
      await store.release(await acquireLease(bench, { fingerprint: null }), { as: 'retryable' });
      await store.release(await acquireLease(bench, { fingerprint: 'v1:payment' }), { as: 'retryable' });
      await store.release(await acquireLease(bench, { fingerprint: null }), { as: 'retryable' });
      const answer = await store.acquire(key, acquireRequest({ fingerprint: 'v1:other' }));
      assert.deepEqual(withoutNow(answer), { kind: 'key_reused', version: 'v1' });
    });

    test('runs a retryable record as the next attempt, with its steps and without takeover', async (bench) => {
      const first = await createRecordInState(bench, 'retryable');
      const { attempt, takeover, recovering, fencingToken, ...rest } = assertAcquired(
        await bench.store.acquire(bench.key, acquireRequest()),
      );
      assert.deepEqual([attempt, takeover, recovering], [2, false, false]);
      assert.ok(fencingToken > first.fencingToken);
      assert.deepEqual(decodeSteps(rest.steps), steps);
    });

    test('answers a completed record with its outcome', async (bench) => {
      const lease = await createRecordInState(bench, 'completed');
      const answer = await assertRecordUnchanged(bench, () => bench.store.acquire(bench.key, acquireRequest()));
      assert.ok(answer.kind === 'completed');
      const { outcome, outcomeLeftMs, completedAt, now, ...facts } = answer;
      assert.equal(Buffer.from(outcome).toString(), 'paid');
      assert.deepEqual(facts, { kind: 'completed', note: '201', attempt: 1, fencingToken: lease.fencingToken });
      assert.equal(outcomeLeftMs, completedAt + hourMs - now);
    });

    test('answers a record that was completed without an outcome as expired', async (bench) => {
      const lease = await acquireLease(bench);
      const { now } = await bench.store.complete(lease, completionOf('', { outcome: null, note: '201' }));
      const answer = await bench.store.acquire(bench.key, acquireRequest());
      assert.deepEqual(withoutNow(answer), { kind: 'expired', completedAt: now, note: '201' });
    });

    for (const state of ['absent', 'in_progress', 'abandoned', 'retryable'] as const) {
      test(`is superseded after its notAfter where it would run, and changes nothing: ${state}`, async (bench) => {
        const before = state === 'absent' ? null : await createRecordInState(bench, state);
        const late = acquireRequest({
          notAfter: 1,
          ...(state === 'in_progress' && before ? { ownerToken: before.ownerToken } : {}),
        });
        const answer = await assertRecordUnchanged(bench, () => bench.store.acquire(bench.key, late));
        assert.deepEqual(withoutNow(answer), { kind: 'superseded' });
      });
    }

    test('answers as ever after its notAfter where it would not run', async (bench) => {
      const late = acquireRequest({ notAfter: 1 });
      const lease = await acquireLease(bench);
      assert.equal((await bench.store.acquire(bench.key, late)).kind, 'in_progress');
      await bench.store.complete(lease, completionOf('paid'));
      assert.equal((await bench.store.acquire(bench.key, late)).kind, 'completed');
    });
  });
}

/** Brings the record there, with one step on the way. */
async function createRecordInState(
  bench: StoreTestContext,
  state: 'in_progress' | 'abandoned' | 'retryable' | 'unknown' | 'completed',
) {
  const lease = state === 'abandoned' ? await acquireAbandonedLease(bench) : await acquireLease(bench);
  const { store } = bench;
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

function decodeSteps(found: ReadonlyMap<string, { readonly seq: number; readonly bytes: Uint8Array }>) {
  return new Map([...found].map(([step, { seq, bytes }]) => [step, { seq, text: Buffer.from(bytes).toString() }]));
}
