// The suite: acquire where an attempt was abandoned, or ended without anybody knowing how.
import assert from 'node:assert/strict';
import type { StoreSuiteContext } from './suite-context.js';
import {
  acquireAbandonedLease,
  acquireLease,
  acquireRequest,
  assertAcquired,
  assertRecordUnchanged,
  briefMs,
  completionOf,
  replayedOutcome,
  withoutNow,
} from './test-helpers.js';

export function abandonedAttemptTests({ describe, test }: StoreSuiteContext): void {
  describe('an attempt in doubt', () => {
    for (const policy of ['rerun', 'block', 'recover'] as const) {
      test(`is taken over after its lease, if it is not guarded, by a caller that says ${policy}`, async (bench) => {
        const { store, key } = bench;
        const before = await acquireAbandonedLease(bench);
        await store.checkpoint(before, { step: 'charge', seq: 1, bytes: Buffer.from('ch_1') });
        const next = assertAcquired(await store.acquire(key, acquireRequest({ onAbandoned: policy })));
        assert.deepEqual([next.attempt, next.takeover, next.recovering], [2, true, false]);
        assert.equal(next.guarded, policy !== 'rerun');
        assert.ok(next.fencingToken > before.fencingToken);
        assert.deepEqual(Buffer.from(next.steps.get('charge')?.bytes ?? []), Buffer.from('ch_1'));
      });
    }

    for (const mine of ['block', 'recover'] as const) {
      test(`reads as unknown after its lease if it is guarded by ${mine}, whatever the next caller says`, async (bench) => {
        await acquireAbandonedLease(bench, { onAbandoned: mine });
        for (const onAbandoned of ['rerun', 'block'] as const) {
          const answer = await assertRecordUnchanged(bench, () =>
            bench.store.acquire(bench.key, acquireRequest({ onAbandoned })),
          );
          assert.deepEqual(withoutNow(answer), { kind: 'outcome_unknown', retryAfterMs: null, note: null });
        }
      });
    }

    test('is acquired by recover alone if it is guarded, as a recovering takeover', async (bench) => {
      const before = await acquireAbandonedLease(bench, { onAbandoned: 'block' });
      const next = assertAcquired(await bench.store.acquire(bench.key, acquireRequest({ onAbandoned: 'recover' })));
      assert.deepEqual([next.attempt, next.takeover, next.recovering, next.guarded], [2, true, true, true]);
      assert.ok(next.fencingToken > before.fencingToken);
    });

    test('is guarded as its own caller said, whatever the one before did', async (bench) => {
      const before = await acquireAbandonedLease(bench, { onAbandoned: 'block' });
      await bench.store.release(before, { as: 'retryable' });
      assert.equal((await acquireAbandonedLease(bench, { onAbandoned: 'rerun' })).guarded, false);
      assert.equal((await acquireLease(bench)).attempt, 3);
    });

    test('can still be completed by its owner, guarded or not, as long as nobody took over', async (bench) => {
      const lease = await acquireAbandonedLease(bench, { onAbandoned: 'block' });
      assert.equal((await bench.store.acquire(bench.key, acquireRequest())).kind, 'outcome_unknown');
      assert.deepEqual(withoutNow(await bench.store.complete(lease, completionOf('paid'))), { kind: 'ok' });
      assert.equal(await replayedOutcome(bench), 'paid');
    });

    test('that was released as unknown is told with its note, and is acquired by recover alone', async (bench) => {
      const { store, key } = bench;
      const first = await acquireLease(bench);
      await store.release(first, { as: 'unknown', retryAfterMs: null, note: 'timeout at the bank' });
      const told = await assertRecordUnchanged(bench, () => store.acquire(key, acquireRequest()));
      assert.deepEqual(withoutNow(told), { kind: 'outcome_unknown', retryAfterMs: null, note: 'timeout at the bank' });
      const next = assertAcquired(await store.acquire(key, acquireRequest({ onAbandoned: 'recover' })));
      assert.deepEqual([next.attempt, next.takeover, next.recovering], [2, true, true]);
    });

    test('lets recover in only when its retryAfterMs is over', async (bench) => {
      const { store, key } = bench;
      const recover = () => store.acquire(key, acquireRequest({ onAbandoned: 'recover' }));
      await store.release(await acquireLease(bench), { as: 'unknown', retryAfterMs: 60_000, note: null });
      const early = await assertRecordUnchanged(bench, recover);
      assert.ok(early.kind === 'outcome_unknown' && early.retryAfterMs !== null);
      assert.ok(early.retryAfterMs > 0 && early.retryAfterMs <= 60_000);
    });

    test('lets recover in once its retryAfterMs is over', async (bench) => {
      const { store, key } = bench;
      const how = { as: 'unknown', retryAfterMs: briefMs, note: null } as const;
      const { now } = await store.release(await acquireLease(bench), how);
      await bench.waitForStoreTime(now + briefMs);
      const told = await store.acquire(key, acquireRequest());
      assert.deepEqual(withoutNow(told), { kind: 'outcome_unknown', retryAfterMs: 0, note: null });
      assert.ok(assertAcquired(await store.acquire(key, acquireRequest({ onAbandoned: 'recover' }))).recovering);
    });
  });
}
