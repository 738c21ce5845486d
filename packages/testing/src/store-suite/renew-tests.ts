// Suite: renew.
import assert from 'node:assert/strict';
import type { StoreSuiteContext } from './suite-context.js';
import {
  acquireAbandonedLease,
  acquireLease,
  acquireRequest,
  assertRecordUnchanged,
  briefMs,
  completionOf,
  hourMs,
  leaseOnLostRecord,
  readRecord,
  withoutNow,
} from './test-helpers.js';

export function renewTests(suite: StoreSuiteContext): void {
  suite.describe('renew', () => {
    ownRecordTests(suite);
    lostRecordTests(suite);
  });
}

function ownRecordTests({ test }: StoreSuiteContext): void {
  test('extends the lease, counted from now', async (context) => {
    const lease = await acquireLease(context);
    const { now, ...reply } = await context.store.renew(lease, 2 * hourMs);
    assert.deepEqual(reply, { kind: 'ok', leaseEndAt: now + 2 * hourMs });
    assert.equal((await readRecord(context)).leaseEndAt, now + 2 * hourMs);
  });

  test('never shortens the lease', async (context) => {
    const lease = await acquireLease(context);
    const reply = await assertRecordUnchanged(context, () => context.store.renew(lease, 1));
    assert.deepEqual(withoutNow(reply), { kind: 'ok', leaseEndAt: lease.leaseEndAt });
  });

  test('keeps other callers in_progress after the original end of the lease', async (context) => {
    const lease = await acquireLease(context, { leaseMs: briefMs });
    assert.equal((await context.store.renew(lease, hourMs)).kind, 'ok');
    await context.waitForStoreTime(lease.leaseEndAt);
    assert.equal((await context.store.acquire(context.key, acquireRequest())).kind, 'in_progress');
  });

  test('revives a lease that has ended, unless somebody took over', async (context) => {
    const lease = await acquireAbandonedLease(context);
    assert.equal((await context.store.renew(lease, hourMs)).kind, 'ok');
    assert.equal((await context.store.acquire(context.key, acquireRequest())).kind, 'in_progress');
  });

  test('is ok and has no effect after the owner’s own complete', async (context) => {
    const lease = await acquireLease(context);
    await context.store.complete(lease, completionOf('paid'));
    const reply = await assertRecordUnchanged(context, () => context.store.renew(lease, 2 * hourMs));
    assert.equal(reply.kind, 'ok');
  });

  for (const as of ['retryable', 'unknown'] as const) {
    test(`is lost after the owner’s own release as ${as}`, async (context) => {
      const lease = await acquireLease(context);
      await context.store.release(lease, as === 'unknown' ? { as, retryAfterMs: null, note: null } : { as });
      const reply = await assertRecordUnchanged(context, () => context.store.renew(lease, hourMs));
      assert.deepEqual(withoutNow(reply), { kind: 'lost' });
    });
  }
}

function lostRecordTests({ test }: StoreSuiteContext): void {
  test('restores a record that the store lost from the facts in the lease, and replies restored', async (context) => {
    const retention = { recordTtlMs: 3 * hourMs, outcomeTtlMs: 2 * hourMs, unknownTtlMs: 9 * hourMs };
    const lease = await leaseOnLostRecord(context, {
      guarded: true,
      recovering: true,
      fingerprintBound: true,
      ...retention,
    });
    const { now, ...reply } = await context.store.renew(lease, hourMs);
    assert.deepEqual(reply, { kind: 'restored', leaseEndAt: now + hourMs });
    const {
      state,
      ownerToken,
      fencingToken,
      attempt,
      fingerprint,
      takeover,
      recovering,
      guarded,
      leaseEndAt,
      expiresAt,
    } = await readRecord(context);
    assert.deepEqual(
      [state, ownerToken, fencingToken, attempt, fingerprint],
      ['in_progress', lease.ownerToken, lease.fencingToken, 3, lease.fingerprint],
    );
    assert.deepEqual([takeover, recovering, guarded], [true, true, true]);
    const { fingerprintBound, recordTtlMs, outcomeTtlMs, unknownTtlMs } = await readRecord(context);
    assert.deepEqual(
      { fingerprintBound, recordTtlMs, outcomeTtlMs, unknownTtlMs },
      { fingerprintBound: true, ...retention },
    );
    assert.equal(expiresAt, leaseEndAt + lease.unknownTtlMs);
  });

  test('replaces an older copy, and keeps its steps and at least its lifetime', async (context) => {
    const older = await acquireLease(context, { onAbandoned: 'block' });
    await context.store.checkpoint(older, { step: 'charge', seq: 1, bytes: Buffer.from('ch_1') });
    const { expiresAt } = await readRecord(context);
    const lease = await leaseOnLostRecord(context);
    assert.equal((await context.store.renew(lease, hourMs)).kind, 'restored');
    const record = await readRecord(context);
    assert.deepEqual(
      [record.ownerToken, record.fencingToken, record.expiresAt],
      [lease.ownerToken, lease.fencingToken, expiresAt],
    );
    assert.deepEqual([...record.steps.keys()], ['charge']);
  });

  test('is gone and writes nothing if the store lost the record and the lease has ended', async (context) => {
    const { now } = await context.store.read(context.key);
    for (const hasOlderCopy of [false, true]) {
      if (hasOlderCopy) await acquireLease(context);
      const lease = await leaseOnLostRecord(context, { leaseEndAt: now });
      const reply = await assertRecordUnchanged(context, () => context.store.renew(lease, hourMs));
      assert.deepEqual(withoutNow(reply), { kind: 'gone' });
    }
  });

  test('is lost on a record that another owner completed, even one with a lower fencing token', async (context) => {
    await context.store.complete(await acquireLease(context), completionOf('paid'));
    const lease = await leaseOnLostRecord(context);
    const reply = await assertRecordUnchanged(context, () => context.store.renew(lease, hourMs));
    assert.deepEqual(withoutNow(reply), { kind: 'lost' });
  });
}
