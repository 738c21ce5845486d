// The suite: renew.
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

export function renewTests({ describe, test }: StoreSuiteContext): void {
  describe('renew', () => {
    test('makes the lease longer, counted from now', async (bench) => {
      const lease = await acquireLease(bench);
      const { now, ...answer } = await bench.store.renew(lease, 2 * hourMs);
      assert.deepEqual(answer, { kind: 'ok', leaseEndAt: now + 2 * hourMs });
      assert.equal((await readRecord(bench)).leaseEndAt, now + 2 * hourMs);
    });

    test('never makes the lease shorter', async (bench) => {
      const lease = await acquireLease(bench);
      const answer = await assertRecordUnchanged(bench, () => bench.store.renew(lease, 1));
      assert.deepEqual(withoutNow(answer), { kind: 'ok', leaseEndAt: lease.leaseEndAt });
    });

    test('keeps others out when the lease as it was acquired is over', async (bench) => {
      const lease = await acquireLease(bench, { leaseMs: briefMs });
      assert.equal((await bench.store.renew(lease, hourMs)).kind, 'ok');
      await bench.waitForStoreTime(lease.leaseEndAt);
      assert.equal((await bench.store.acquire(bench.key, acquireRequest())).kind, 'in_progress');
    });

    test('revives a lease that is over as long as nobody took over', async (bench) => {
      const lease = await acquireAbandonedLease(bench);
      assert.equal((await bench.store.renew(lease, hourMs)).kind, 'ok');
      assert.equal((await bench.store.acquire(bench.key, acquireRequest())).kind, 'in_progress');
    });

    test('is ok and without effect after the own complete', async (bench) => {
      const lease = await acquireLease(bench);
      await bench.store.complete(lease, completionOf('paid'));
      const answer = await assertRecordUnchanged(bench, () => bench.store.renew(lease, 2 * hourMs));
      assert.equal(answer.kind, 'ok');
    });

    for (const as of ['retryable', 'unknown'] as const) {
      test(`is lost after the own release as ${as}`, async (bench) => {
        const lease = await acquireLease(bench);
        await bench.store.release(lease, as === 'unknown' ? { as, retryAfterMs: null, note: null } : { as });
        const answer = await assertRecordUnchanged(bench, () => bench.store.renew(lease, hourMs));
        assert.deepEqual(withoutNow(answer), { kind: 'lost' });
      });
    }

    test('writes a record that the store lost anew, from what the lease carries, and says restored', async (bench) => {
      const terms = { recordTtlMs: 3 * hourMs, outcomeTtlMs: 2 * hourMs, unknownTtlMs: 9 * hourMs };
      const lease = await leaseOnLostRecord(bench, {
        guarded: true,
        recovering: true,
        fingerprintBound: true,
        ...terms,
      });
      const { now, ...answer } = await bench.store.renew(lease, hourMs);
      assert.deepEqual(answer, { kind: 'restored', leaseEndAt: now + hourMs });
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
      } = await readRecord(bench);
      assert.deepEqual(
        [state, ownerToken, fencingToken, attempt, fingerprint],
        ['in_progress', lease.ownerToken, lease.fencingToken, 3, lease.fingerprint],
      );
      assert.deepEqual([takeover, recovering, guarded], [true, true, true]);
      const { fingerprintBound, recordTtlMs, outcomeTtlMs, unknownTtlMs } = await readRecord(bench);
      assert.deepEqual(
        { fingerprintBound, recordTtlMs, outcomeTtlMs, unknownTtlMs },
        { fingerprintBound: true, ...terms },
      );
      assert.equal(expiresAt, leaseEndAt + lease.unknownTtlMs);
    });

    test('writes over an older copy, keeping its steps and not shortening its life', async (bench) => {
      const older = await acquireLease(bench, { onAbandoned: 'block' });
      await bench.store.checkpoint(older, { step: 'charge', seq: 1, bytes: Buffer.from('ch_1') });
      const { expiresAt } = await readRecord(bench);
      const lease = await leaseOnLostRecord(bench);
      assert.equal((await bench.store.renew(lease, hourMs)).kind, 'restored');
      const record = await readRecord(bench);
      assert.deepEqual(
        [record.ownerToken, record.fencingToken, record.expiresAt],
        [lease.ownerToken, lease.fencingToken, expiresAt],
      );
      assert.deepEqual([...record.steps.keys()], ['charge']);
    });

    test('is gone and writes nothing when the lease end that it was last told is past', async (bench) => {
      const { now } = await bench.store.read(bench.key);
      for (const older of [false, true]) {
        if (older) await acquireLease(bench);
        const lease = await leaseOnLostRecord(bench, { leaseEndAt: now });
        const answer = await assertRecordUnchanged(bench, () => bench.store.renew(lease, hourMs));
        assert.deepEqual(withoutNow(answer), { kind: 'gone' });
      }
    });

    test('is lost on a completed record, also one of a lower fencing token', async (bench) => {
      await bench.store.complete(await acquireLease(bench), completionOf('paid'));
      const lease = await leaseOnLostRecord(bench);
      const answer = await assertRecordUnchanged(bench, () => bench.store.renew(lease, hourMs));
      assert.deepEqual(withoutNow(answer), { kind: 'lost' });
    });
  });
}
