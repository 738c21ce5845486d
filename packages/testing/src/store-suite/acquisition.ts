// The suite: acquire, as long as nobody is in doubt.
import assert from 'node:assert/strict';
import type { Bench, Contract } from './contract.js';
import { abandon, changesNothing, completionOf, decision, granted, hourMs, own, request, said } from './requests.js';

const steps = new Map([['charge', { seq: 2, text: 'ch_1' }]]);

export function acquisition({ describe, test }: Contract): void {
  describe('acquire', () => {
    test('runs a key that was never seen as attempt 1, with a lease of leaseMs and no steps', async ({
      store,
      key,
    }) => {
      const { now, fence, leaseEndAt, ...first } = granted(await store.acquire(key, request({ leaseMs: hourMs })));
      const flags = { takeover: false, recovering: false, guarded: false, bound: false };
      const facts = { attempt: 1, ...flags, steps: new Map() };
      assert.deepEqual(first, { kind: 'acquired', ...facts });
      assert.equal(leaseEndAt, now + hourMs);
      assert.ok(fence >= now, 'the fencing token is at least the time, so that it grows over data loss');
    });

    test('raises the fencing token above what the caller has seen, and above the one before', async ({
      store,
      key,
    }) => {
      const seen = (await store.read(key)).now + 50 * hourMs;
      const first = await own({ store, key }, { fenceSeen: seen });
      assert.equal(first.fence, seen + 1);
      await store.release(first, { as: 'retryable' });
      assert.equal((await own({ store, key })).fence, seen + 2);
    });

    test('sent again answers the very same attempt, and no shorter lease', async (bench) => {
      const { store, key } = bench;
      const asked = request({ onAbandoned: 'block' });
      const first = said(granted(await store.acquire(key, asked)));
      const again = said(granted(await store.acquire(key, { ...asked, leaseMs: 1, notAfter: asked.notAfter + 1 })));
      assert.deepEqual(again, first);
      const longer = granted(await store.acquire(key, { ...asked, leaseMs: 2 * hourMs }));
      assert.deepEqual({ ...said(longer), leaseEndAt: first.leaseEndAt }, first);
      assert.equal(longer.leaseEndAt, longer.now + 2 * hourMs);
    });

    test('sent again after the lease is over is the very same attempt under a new lease', async (bench) => {
      const lease = await abandon(bench);
      const again = granted(await bench.store.acquire(bench.key, request({ token: lease.token })));
      assert.deepEqual([again.attempt, again.fence, again.takeover], [1, lease.fence, false]);
      assert.equal(again.leaseEndAt, again.now + hourMs);
    });

    for (const [who, awaited] of [
      ['another token', false],
      ['one that waits', true],
    ] as const) {
      test(`tells ${who} that the lease is alive, and for how long at most`, async (bench) => {
        await own(bench, { awaited });
        const answer = await changesNothing(bench, () => bench.store.acquire(bench.key, request({ awaited })));
        assert.ok(answer.kind === 'in_progress');
        assert.ok(answer.retryAfterMs > 0 && answer.retryAfterMs <= hourMs);
      });
    }

    for (const state of ['in_progress', 'abandoned', 'retryable', 'unknown', 'completed'] as const) {
      test(`tells another fingerprint mismatch with the stored version, on a record that is ${state}`, async (bench) => {
        await bring(bench, state);
        const other = request({ fingerprint: 'v2:payment', onAbandoned: 'recover' });
        const answer = await changesNothing(bench, () => bench.store.acquire(bench.key, other));
        assert.deepEqual(said(answer), { kind: 'mismatch', version: 'v1' });
      });
    }

    test('compares nothing where either side has no fingerprint, and keeps the one that was given', async (bench) => {
      const { store, key } = bench;
      await store.release(await own(bench, { fingerprint: null }), { as: 'retryable' });
      await store.release(await own(bench, { fingerprint: 'v1:payment' }), { as: 'retryable' });
      await store.release(await own(bench, { fingerprint: null }), { as: 'retryable' });
      const answer = await store.acquire(key, request({ fingerprint: 'v1:other' }));
      assert.deepEqual(said(answer), { kind: 'mismatch', version: 'v1' });
    });

    test('runs a retryable record as the next attempt, with its steps and without takeover', async (bench) => {
      const first = await bring(bench, 'retryable');
      const { attempt, takeover, recovering, fence, ...rest } = granted(
        await bench.store.acquire(bench.key, request()),
      );
      assert.deepEqual([attempt, takeover, recovering], [2, false, false]);
      assert.ok(fence > first.fence);
      assert.deepEqual(texts(rest.steps), steps);
    });

    test('answers a completed record with its outcome', async (bench) => {
      const lease = await bring(bench, 'completed');
      const answer = await changesNothing(bench, () => bench.store.acquire(bench.key, request()));
      assert.ok(answer.kind === 'completed');
      const { outcome, outcomeLeftMs, completedAt, now, ...facts } = answer;
      assert.equal(Buffer.from(outcome).toString(), 'paid');
      assert.deepEqual(facts, { kind: 'completed', note: '201', attempt: 1, fence: lease.fence });
      assert.equal(outcomeLeftMs, completedAt + hourMs - now);
    });

    test('answers a record that was completed without an outcome as expired', async (bench) => {
      const lease = await own(bench);
      const { now } = await bench.store.complete(lease, completionOf('', { outcome: null, note: '201' }));
      const answer = await bench.store.acquire(bench.key, request());
      assert.deepEqual(said(answer), { kind: 'expired', completedAt: now, note: '201' });
    });

    for (const state of ['absent', 'in_progress', 'abandoned', 'retryable'] as const) {
      test(`is superseded after its notAfter where it would run, and changes nothing: ${state}`, async (bench) => {
        const before = state === 'absent' ? null : await bring(bench, state);
        const late = request({ notAfter: 1, ...(state === 'in_progress' && before ? { token: before.token } : {}) });
        const answer = await changesNothing(bench, () => bench.store.acquire(bench.key, late));
        assert.deepEqual(said(answer), { kind: 'superseded' });
      });
    }

    test('answers as ever after its notAfter where it would not run', async (bench) => {
      const late = request({ notAfter: 1 });
      const lease = await own(bench);
      assert.equal((await bench.store.acquire(bench.key, late)).kind, 'in_progress');
      await bench.store.complete(lease, completionOf('paid'));
      assert.equal((await bench.store.acquire(bench.key, late)).kind, 'completed');
    });
  });
}

/** Brings the record there, with one step on the way. */
async function bring(bench: Bench, state: 'in_progress' | 'abandoned' | 'retryable' | 'unknown' | 'completed') {
  const lease = state === 'abandoned' ? await abandon(bench) : await own(bench);
  const { store } = bench;
  for (const [step, { seq, text }] of steps) await store.checkpoint(lease, { step, seq, bytes: Buffer.from(text) });
  switch (state) {
    case 'completed':
      await store.complete(lease, completionOf('paid', { note: '201' }));
      break;
    case 'retryable':
      await store.release(lease, { as: 'unknown', retryAfterMs: null, note: null });
      await store.resolve(lease.key, decision(lease.fence));
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

function texts(found: ReadonlyMap<string, { readonly seq: number; readonly bytes: Uint8Array }>) {
  return new Map([...found].map(([step, { seq, bytes }]) => [step, { seq, text: Buffer.from(bytes).toString() }]));
}
