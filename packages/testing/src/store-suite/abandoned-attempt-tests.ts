// Suite: acquire after an attempt was abandoned or ended with an unknown outcome.
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

export function abandonedAttemptTests(suite: StoreSuiteContext): void {
  suite.describe('acquire after an abandoned or unknown attempt', () => {
    takeoverTests(suite);
    unknownOutcomeTests(suite);
  });
}

function takeoverTests({ test }: StoreSuiteContext): void {
  for (const policy of ['rerun', 'block', 'recover'] as const) {
    test(`takes over an unguarded attempt after its lease, with the policy ${policy}`, async (context) => {
      const { store, key } = context;
      const abandoned = await acquireAbandonedLease(context);
      await store.checkpoint(abandoned, { step: 'charge', seq: 1, bytes: Buffer.from('ch_1') });
      const next = assertAcquired(await store.acquire(key, acquireRequest({ onAbandoned: policy })));
      assert.deepEqual([next.attempt, next.takeover, next.recovering], [2, true, false]);
      assert.equal(next.guarded, policy !== 'rerun');
      assert.ok(next.fencingToken > abandoned.fencingToken);
      assert.deepEqual(Buffer.from(next.steps.get('charge')?.bytes ?? []), Buffer.from('ch_1'));
    });
  }

  for (const ownPolicy of ['block', 'recover'] as const) {
    test(`is outcome_unknown after the lease of an attempt guarded by ${ownPolicy}, unless the caller recovers`, async (context) => {
      await acquireAbandonedLease(context, { onAbandoned: ownPolicy });
      for (const onAbandoned of ['rerun', 'block'] as const) {
        const reply = await assertRecordUnchanged(context, () =>
          context.store.acquire(context.key, acquireRequest({ onAbandoned })),
        );
        assert.deepEqual(withoutNow(reply), { kind: 'outcome_unknown', retryAfterMs: null, note: null });
      }
    });
  }

  test('is a recovering takeover of a guarded attempt, with the policy recover', async (context) => {
    const abandoned = await acquireAbandonedLease(context, { onAbandoned: 'block' });
    const next = assertAcquired(await context.store.acquire(context.key, acquireRequest({ onAbandoned: 'recover' })));
    assert.deepEqual([next.attempt, next.takeover, next.recovering, next.guarded], [2, true, true, true]);
    assert.ok(next.fencingToken > abandoned.fencingToken);
  });

  test('guards an attempt by its own policy, whatever the policy of the attempt before', async (context) => {
    const abandoned = await acquireAbandonedLease(context, { onAbandoned: 'block' });
    await context.store.release(abandoned, { as: 'retryable' });
    assert.equal((await acquireAbandonedLease(context, { onAbandoned: 'rerun' })).guarded, false);
    assert.equal((await acquireLease(context)).attempt, 3);
  });

  test('does not keep the owner of a guarded attempt from completing it, unless somebody took over', async (context) => {
    const lease = await acquireAbandonedLease(context, { onAbandoned: 'block' });
    assert.equal((await context.store.acquire(context.key, acquireRequest())).kind, 'outcome_unknown');
    assert.deepEqual(withoutNow(await context.store.complete(lease, completionOf('paid'))), { kind: 'ok' });
    assert.equal(await replayedOutcome(context), 'paid');
  });
}

function unknownOutcomeTests({ test }: StoreSuiteContext): void {
  test('of a record released as unknown replies its note, and is granted only to recover', async (context) => {
    const { store, key } = context;
    const first = await acquireLease(context);
    await store.release(first, { as: 'unknown', retryAfterMs: null, note: 'timeout at the bank' });
    const reply = await assertRecordUnchanged(context, () => store.acquire(key, acquireRequest()));
    assert.deepEqual(withoutNow(reply), { kind: 'outcome_unknown', retryAfterMs: null, note: 'timeout at the bank' });
    const next = assertAcquired(await store.acquire(key, acquireRequest({ onAbandoned: 'recover' })));
    assert.deepEqual([next.attempt, next.takeover, next.recovering], [2, true, true]);
  });

  test('is not granted to recover before retryAfterMs has passed', async (context) => {
    const { store, key } = context;
    const recover = () => store.acquire(key, acquireRequest({ onAbandoned: 'recover' }));
    await store.release(await acquireLease(context), { as: 'unknown', retryAfterMs: 60_000, note: null });
    const early = await assertRecordUnchanged(context, recover);
    assert.ok(early.kind === 'outcome_unknown' && early.retryAfterMs !== null);
    assert.ok(early.retryAfterMs > 0 && early.retryAfterMs <= 60_000);
  });

  test('is granted to recover once retryAfterMs has passed', async (context) => {
    const { store, key } = context;
    const request = { as: 'unknown', retryAfterMs: briefMs, note: null } as const;
    const { now } = await store.release(await acquireLease(context), request);
    await context.waitForStoreTime(now + briefMs);
    const reply = await store.acquire(key, acquireRequest());
    assert.deepEqual(withoutNow(reply), { kind: 'outcome_unknown', retryAfterMs: 0, note: null });
    assert.ok(assertAcquired(await store.acquire(key, acquireRequest({ onAbandoned: 'recover' }))).recovering);
  });
}
