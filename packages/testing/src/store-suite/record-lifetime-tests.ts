// Suite: how long records and outcomes are kept.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { StoreSuiteContext, StoreTestContext } from './suite-context.js';
import {
  acquireAbandonedLease,
  acquireLease,
  acquireRequest,
  assertAcquired,
  briefMs,
  completionOf,
  dayMs,
  hourMs,
  minuteMs,
  readRecord,
  withoutNow,
} from './test-helpers.js';

export function recordLifetimeTests(suite: StoreSuiteContext): void {
  suite.describe('lifetimes', () => {
    retentionTests(suite);
    releasedRecordTests(suite);
    expiryTests(suite);
    exactExpiryTests(suite);
  });
}

function retentionTests({ test }: StoreSuiteContext): void {
  test('a record outlives its lease by recordTtlMs, a guarded one by unknownTtlMs', async ({ store }) => {
    const lives = [
      { onAbandoned: 'rerun', recordTtlMs: dayMs, livesMs: dayMs },
      { onAbandoned: 'block', recordTtlMs: dayMs, livesMs: 400 * dayMs },
      { onAbandoned: 'recover', recordTtlMs: 500 * dayMs, livesMs: 500 * dayMs },
    ] as const;
    for (const { livesMs, ...policy } of lives) {
      const context = { store, key: randomUUID() };
      const lease = await acquireLease(context, policy);
      assert.equal((await readRecord(context)).expiresAt, lease.leaseEndAt + livesMs);
    }
  });

  test('a later attempt with a shorter retention does not shorten the lifetime of a record', async (context) => {
    await context.store.release(await acquireLease(context), { as: 'unknown', retryAfterMs: null, note: null });
    const { expiresAt } = await readRecord(context);
    await acquireLease(context, {
      onAbandoned: 'recover',
      leaseMs: briefMs,
      recordTtlMs: briefMs,
      unknownTtlMs: briefMs,
    });
    assert.equal((await readRecord(context)).expiresAt, expiresAt);
  });

  test('a record keeps the retention of its last acquisition', async (context) => {
    const retention = { recordTtlMs: 7 * hourMs, outcomeTtlMs: 5 * hourMs, unknownTtlMs: 9 * hourMs };
    await context.store.release(await acquireLease(context), { as: 'retryable' });
    await context.store.complete(await acquireLease(context, retention), completionOf('paid'));
    const { recordTtlMs, outcomeTtlMs, unknownTtlMs } = await readRecord(context);
    assert.deepEqual({ recordTtlMs, outcomeTtlMs, unknownTtlMs }, retention);
  });

  test('a recovering attempt that completes does not shorten the lifetime of a record', async (context) => {
    await acquireAbandonedLease(context, { onAbandoned: 'block' });
    const lease = await acquireLease(context, { onAbandoned: 'recover', unknownTtlMs: briefMs });
    const { expiresAt } = await readRecord(context);
    await context.store.complete(lease, completionOf('found'));
    assert.equal((await readRecord(context)).expiresAt, expiresAt);
  });
}

function releasedRecordTests({ test }: StoreSuiteContext): void {
  for (const as of ['retryable', 'not_started'] as const) {
    test(`a record released as ${as} without steps is kept for an hour, or for its retention if that is shorter`, async ({
      store,
    }) => {
      const context = { store, key: randomUUID() };
      const long = await acquireLease(context, { onAbandoned: 'block' });
      const { now } = await store.release(long, { as });
      assert.equal((await readRecord(context)).expiresAt, Math.max(now + hourMs, long.leaseEndAt));
      const short = { store, key: randomUUID() };
      const brief = await acquireLease(short, { leaseMs: minuteMs, recordTtlMs: minuteMs });
      await store.release(brief, { as });
      assert.equal((await readRecord(short)).expiresAt, brief.leaseEndAt + minuteMs);
    });
  }

  test('a record released without steps is kept until its lease would have ended, if that is later', async (context) => {
    const lease = await acquireLease(context, { leaseMs: 3 * hourMs });
    await context.store.release(lease, { as: 'retryable' });
    assert.equal((await readRecord(context)).expiresAt, lease.leaseEndAt);
  });

  test('a record released with steps is kept for its retention', async (context) => {
    const lease = await acquireLease(context, { onAbandoned: 'block' });
    await context.store.checkpoint(lease, { step: 'charge', seq: 2, bytes: Buffer.from('ch_1') });
    const { expiresAt } = await readRecord(context);
    await context.store.release(lease, { as: 'retryable' });
    assert.equal((await readRecord(context)).expiresAt, expiresAt);
  });

  test('a renewal moves the expiry of the record with the end of the lease', async (context) => {
    const lease = await acquireLease(context);
    const { now } = await context.store.renew(lease, 3 * hourMs);
    assert.equal((await readRecord(context)).expiresAt, now + 3 * hourMs + dayMs);
  });
}

function expiryTests({ test }: StoreSuiteContext): void {
  test('an expired record is treated as absent', async (context) => {
    const lease = await acquireLease(context, { leaseMs: briefMs, recordTtlMs: briefMs, unknownTtlMs: briefMs });
    await context.waitForStoreTime(lease.leaseEndAt + briefMs);
    assert.equal((await context.store.read(context.key)).record, null);
    assert.deepEqual(withoutNow(await context.store.release(lease, { as: 'retryable' })), { kind: 'gone' });
    const next = assertAcquired(await context.store.acquire(context.key, acquireRequest({ fingerprint: 'v1:other' })));
    assert.deepEqual([next.attempt, next.takeover], [1, false]);
    assert.ok(next.fencingToken > lease.fencingToken);
  });

  test('after outcomeTtlMs a completed record replies expired, and nobody runs', async (context) => {
    const completedAt = await completeWithBriefOutcome(context, dayMs);
    await context.waitForStoreTime(completedAt + briefMs);
    const { outcome, state } = await readRecord(context);
    assert.deepEqual([state, outcome], ['completed', null]);
    const reply = await context.store.acquire(context.key, acquireRequest({ onAbandoned: 'recover' }));
    assert.deepEqual(withoutNow(reply), { kind: 'expired', completedAt, note: '201' });
  });

  test('after recordTtlMs from its completion the key is new', async (context) => {
    const completedAt = await completeWithBriefOutcome(context, briefMs);
    await context.waitForStoreTime(completedAt + briefMs);
    assert.equal((await acquireLease(context)).attempt, 1);
  });
}

function exactExpiryTests({ test, capabilities }: StoreSuiteContext): void {
  if (!capabilities.controllableClock) return;

  test('an abandoned guarded record is kept until its last millisecond', async (context) => {
    const lease = await acquireLease(context, { onAbandoned: 'block' });
    await context.waitForStoreTime(lease.leaseEndAt + 400 * dayMs - 1);
    assert.equal((await context.store.acquire(context.key, acquireRequest())).kind, 'outcome_unknown');
    await context.waitForStoreTime(lease.leaseEndAt + 400 * dayMs);
    assert.equal((await acquireLease(context)).attempt, 1);
  });

  test('a removed record keeps its fencing token for an hour after its lease, so that late messages change nothing', async (context) => {
    const lease = await acquireLease(context);
    await context.store.remove(context.key);
    await context.waitForStoreTime(lease.leaseEndAt + hourMs - 1);
    const { fencingToken } = await readRecord(context);
    assert.equal(fencingToken, lease.fencingToken);
    assert.equal((await context.store.complete(lease, completionOf('late'))).kind, 'lost');
    await context.waitForStoreTime(lease.leaseEndAt + hourMs);
    assert.equal((await context.store.read(context.key)).record, null);
  });
}

async function completeWithBriefOutcome(context: StoreTestContext, recordTtlMs: number): Promise<number> {
  const lease = await acquireLease(context, { recordTtlMs, unknownTtlMs: recordTtlMs });
  const { now } = await context.store.complete(lease, completionOf('paid', { outcomeTtlMs: briefMs, note: '201' }));
  return now;
}
