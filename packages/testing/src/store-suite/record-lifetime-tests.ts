// The suite: how long things last.
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

export function recordLifetimeTests({ describe, test, capabilities }: StoreSuiteContext): void {
  describe('life', () => {
    test('a record outlives its lease by recordTtlMs, a guarded one by unknownTtlMs', async ({ store }) => {
      const lives = [
        { onAbandoned: 'rerun', recordTtlMs: dayMs, livesMs: dayMs },
        { onAbandoned: 'block', recordTtlMs: dayMs, livesMs: 400 * dayMs },
        { onAbandoned: 'recover', recordTtlMs: 500 * dayMs, livesMs: 500 * dayMs },
      ] as const;
      for (const { livesMs, ...terms } of lives) {
        const bench = { store, key: randomUUID() };
        const lease = await acquireLease(bench, terms);
        assert.equal((await readRecord(bench)).expiresAt, lease.leaseEndAt + livesMs);
      }
    });

    test('a later attempt with shorter terms does not shorten the life of a record', async (bench) => {
      await bench.store.release(await acquireLease(bench), { as: 'unknown', retryAfterMs: null, note: null });
      const { expiresAt } = await readRecord(bench);
      await acquireLease(bench, {
        onAbandoned: 'recover',
        leaseMs: briefMs,
        recordTtlMs: briefMs,
        unknownTtlMs: briefMs,
      });
      assert.equal((await readRecord(bench)).expiresAt, expiresAt);
    });

    test('a record keeps the terms of its last acquisition', async (bench) => {
      const terms = { recordTtlMs: 7 * hourMs, outcomeTtlMs: 5 * hourMs, unknownTtlMs: 9 * hourMs };
      await bench.store.release(await acquireLease(bench), { as: 'retryable' });
      await bench.store.complete(await acquireLease(bench, terms), completionOf('paid'));
      const { recordTtlMs, outcomeTtlMs, unknownTtlMs } = await readRecord(bench);
      assert.deepEqual({ recordTtlMs, outcomeTtlMs, unknownTtlMs }, terms);
    });

    test('what a recovering attempt records does not shorten the life of a record', async (bench) => {
      await acquireAbandonedLease(bench, { onAbandoned: 'block' });
      const lease = await acquireLease(bench, { onAbandoned: 'recover', unknownTtlMs: briefMs });
      const { expiresAt } = await readRecord(bench);
      await bench.store.complete(lease, completionOf('found'));
      assert.equal((await readRecord(bench)).expiresAt, expiresAt);
    });

    for (const as of ['retryable', 'not_started'] as const) {
      test(`a record freed as ${as} without steps lives an hour, or as its terms say if that is shorter`, async ({
        store,
      }) => {
        const bench = { store, key: randomUUID() };
        const long = await acquireLease(bench, { onAbandoned: 'block' });
        const { now } = await store.release(long, { as });
        assert.equal((await readRecord(bench)).expiresAt, Math.max(now + hourMs, long.leaseEndAt));
        const short = { store, key: randomUUID() };
        const brief = await acquireLease(short, { leaseMs: briefMs, recordTtlMs: minuteMs });
        await store.release(brief, { as });
        assert.equal((await readRecord(short)).expiresAt, brief.leaseEndAt + minuteMs);
      });
    }

    test('a record freed without steps lives until its lease would have ended, if that is later', async (bench) => {
      const lease = await acquireLease(bench, { leaseMs: 3 * hourMs });
      await bench.store.release(lease, { as: 'retryable' });
      assert.equal((await readRecord(bench)).expiresAt, lease.leaseEndAt);
    });

    test('a record freed with steps lives as its terms say', async (bench) => {
      const lease = await acquireLease(bench, { onAbandoned: 'block' });
      await bench.store.checkpoint(lease, { step: 'charge', seq: 2, bytes: Buffer.from('ch_1') });
      const { expiresAt } = await readRecord(bench);
      await bench.store.release(lease, { as: 'retryable' });
      assert.equal((await readRecord(bench)).expiresAt, expiresAt);
    });

    test('a renewal moves the end of the life with the end of the lease', async (bench) => {
      const lease = await acquireLease(bench);
      const { now } = await bench.store.renew(lease, 3 * hourMs);
      assert.equal((await readRecord(bench)).expiresAt, now + 3 * hourMs + dayMs);
    });

    test('a record whose life is over is as if it had never been', async (bench) => {
      const lease = await acquireLease(bench, { leaseMs: briefMs, recordTtlMs: briefMs, unknownTtlMs: briefMs });
      await bench.waitForStoreTime(lease.leaseEndAt + briefMs);
      assert.equal((await bench.store.read(bench.key)).record, null);
      assert.deepEqual(withoutNow(await bench.store.release(lease, { as: 'retryable' })), { kind: 'gone' });
      const next = assertAcquired(await bench.store.acquire(bench.key, acquireRequest({ fingerprint: 'v1:other' })));
      assert.deepEqual([next.attempt, next.takeover], [1, false]);
      assert.ok(next.fencingToken > lease.fencingToken);
    });

    test('after outcomeTtlMs a completed record is expired, and nobody runs', async (bench) => {
      const completedAt = await completeWithBriefOutcome(bench, dayMs);
      await bench.waitForStoreTime(completedAt + briefMs);
      const { outcome, state } = await readRecord(bench);
      assert.deepEqual([state, outcome], ['completed', null]);
      const answer = await bench.store.acquire(bench.key, acquireRequest({ onAbandoned: 'recover' }));
      assert.deepEqual(withoutNow(answer), { kind: 'expired', completedAt, note: '201' });
    });

    test('after recordTtlMs from its completion the key is new', async (bench) => {
      const completedAt = await completeWithBriefOutcome(bench, briefMs);
      await bench.waitForStoreTime(completedAt + briefMs);
      assert.equal((await acquireLease(bench)).attempt, 1);
    });

    if (!capabilities.controllableClock) return;

    test('an abandoned guarded record is kept until its last millisecond', async (bench) => {
      const lease = await acquireLease(bench, { onAbandoned: 'block' });
      await bench.waitForStoreTime(lease.leaseEndAt + 400 * dayMs - 1);
      assert.equal((await bench.store.acquire(bench.key, acquireRequest())).kind, 'outcome_unknown');
      await bench.waitForStoreTime(lease.leaseEndAt + 400 * dayMs);
      assert.equal((await acquireLease(bench)).attempt, 1);
    });

    test('a removed record keeps its fencing token for an hour after its lease, and late messages change nothing', async (bench) => {
      const lease = await acquireLease(bench);
      await bench.store.remove(bench.key);
      await bench.waitForStoreTime(lease.leaseEndAt + hourMs - 1);
      const { fencingToken } = await readRecord(bench);
      assert.equal(fencingToken, lease.fencingToken);
      assert.equal((await bench.store.complete(lease, completionOf('late'))).kind, 'lost');
      await bench.waitForStoreTime(lease.leaseEndAt + hourMs);
      assert.equal((await bench.store.read(bench.key)).record, null);
    });
  });
}

async function completeWithBriefOutcome(bench: StoreTestContext, recordTtlMs: number): Promise<number> {
  const lease = await acquireLease(bench, { recordTtlMs, unknownTtlMs: recordTtlMs });
  const { now } = await bench.store.complete(lease, completionOf('paid', { outcomeTtlMs: briefMs, note: '201' }));
  return now;
}
