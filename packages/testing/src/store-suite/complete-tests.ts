// Suite: complete.
import assert from 'node:assert/strict';
import type { StoreSuiteContext } from './suite-context.js';
import {
  acquireLease,
  assertRecordUnchanged,
  completionOf,
  dayMs,
  hourMs,
  leaseOnLostRecord,
  readRecord,
  replayedOutcome,
  withoutNow,
} from './test-helpers.js';

export function completeTests(suite: StoreSuiteContext): void {
  suite.describe('complete', () => {
    ownRecordTests(suite);
    lostRecordTests(suite);
  });
}

function ownRecordTests({ test }: StoreSuiteContext): void {
  test('records the outcome, drops the steps, and keeps the record for recordTtlMs from completion', async (context) => {
    const lease = await acquireLease(context, { onAbandoned: 'block' });
    await context.store.checkpoint(lease, { step: 'charge', seq: 1, bytes: Buffer.from('ch_1') });
    const { now, ...reply } = await context.store.complete(lease, completionOf('paid', { note: '201' }));
    assert.deepEqual(reply, { kind: 'ok' });
    const { state, steps, note, completedAt, expiresAt, outcomeEndAt } = await readRecord(context);
    assert.deepEqual([state, steps.size, note, completedAt], ['completed', 0, '201', now]);
    assert.deepEqual([expiresAt, outcomeEndAt], [now + dayMs, now + hourMs]);
    assert.equal(await replayedOutcome(context), 'paid');
  });

  test('sent again is ok, and the first bytes are kept', async (context) => {
    const lease = await acquireLease(context);
    await context.store.complete(lease, completionOf('first'));
    for (const late of [completionOf('second', { note: 'x' }), completionOf('', { outcome: null })]) {
      const reply = await assertRecordUnchanged(context, () => context.store.complete(lease, late));
      assert.deepEqual(withoutNow(reply), { kind: 'ok' });
    }
    assert.equal(await replayedOutcome(context), 'first');
  });

  test('succeeds after its notAfter if the record is there', async (context) => {
    const lease = await acquireLease(context);
    const reply = await context.store.complete(lease, completionOf('paid', { notAfter: 1 }));
    assert.deepEqual(withoutNow(reply), { kind: 'ok' });
  });

  for (const as of ['retryable', 'unknown'] as const) {
    test(`is lost after the owner’s own release as ${as}, and replies the standing`, async (context) => {
      const lease = await acquireLease(context);
      await context.store.release(lease, as === 'unknown' ? { as, retryAfterMs: null, note: 'n' } : { as });
      const reply = await assertRecordUnchanged(context, () => context.store.complete(lease, completionOf('late')));
      const standing =
        as === 'unknown' ? { kind: 'outcome_unknown', retryAfterMs: null, note: 'n' } : { kind: 'retryable' };
      assert.deepEqual(withoutNow(reply), { kind: 'lost', standing });
    });
  }
}

function lostRecordTests({ test }: StoreSuiteContext): void {
  for (const hasOlderCopy of [false, true]) {
    const what = hasOlderCopy ? 'replaces an older copy' : 'restores a record that the store lost';
    test(`${what} before its notAfter, and replies restored`, async (context) => {
      const before = hasOlderCopy ? await acquireLease(context, { onAbandoned: 'block' }) : null;
      const lease = await leaseOnLostRecord(context);
      const { now, ...reply } = await context.store.complete(lease, completionOf('paid'));
      assert.deepEqual(reply, { kind: 'restored' });
      const { ownerToken, fencingToken, attempt, expiresAt } = await readRecord(context);
      assert.deepEqual([ownerToken, fencingToken, attempt], [lease.ownerToken, lease.fencingToken, 3]);
      assert.equal(expiresAt, before === null ? now + dayMs : before.leaseEndAt + before.unknownTtlMs);
      assert.equal(await replayedOutcome(context), 'paid');
      assert.deepEqual(withoutNow(await context.store.complete(lease, completionOf('again'))), { kind: 'ok' });
    });
  }

  test('is gone from its notAfter on if the store lost the record, and writes nothing', async (context) => {
    for (const hasOlderCopy of [false, true]) {
      if (hasOlderCopy) await acquireLease(context);
      const lease = await leaseOnLostRecord(context);
      const { now } = await context.store.read(context.key);
      const late = completionOf('late', { notAfter: now });
      const reply = await assertRecordUnchanged(context, () => context.store.complete(lease, late));
      assert.deepEqual(withoutNow(reply), { kind: 'gone' });
    }
  });

  test('is lost on a record that another owner completed, even one with a lower fencing token', async (context) => {
    const first = await acquireLease(context);
    await context.store.complete(first, completionOf('paid'));
    const lease = await leaseOnLostRecord(context);
    const reply = await assertRecordUnchanged(context, () => context.store.complete(lease, completionOf('mine')));
    assert.ok(reply.kind === 'lost' && reply.standing.kind === 'completed');
    assert.equal(Buffer.from(reply.standing.outcome).toString(), 'paid');
    assert.equal(reply.standing.fencingToken, first.fencingToken);
  });
}
