// The suite: complete.
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

export function completeTests({ describe, test }: StoreSuiteContext): void {
  describe('complete', () => {
    test('records the outcome, drops the steps, and lives recordTtlMs from completion', async (bench) => {
      const lease = await acquireLease(bench, { onAbandoned: 'block' });
      await bench.store.checkpoint(lease, { step: 'charge', seq: 1, bytes: Buffer.from('ch_1') });
      const { now, ...answer } = await bench.store.complete(lease, completionOf('paid', { note: '201' }));
      assert.deepEqual(answer, { kind: 'ok' });
      const { state, steps, note, completedAt, expiresAt, outcomeEndAt } = await readRecord(bench);
      assert.deepEqual([state, steps.size, note, completedAt], ['completed', 0, '201', now]);
      assert.deepEqual([expiresAt, outcomeEndAt], [now + dayMs, now + hourMs]);
      assert.equal(await replayedOutcome(bench), 'paid');
    });

    test('sent again is ok, and the first bytes stand', async (bench) => {
      const lease = await acquireLease(bench);
      await bench.store.complete(lease, completionOf('first'));
      for (const late of [completionOf('second', { note: 'x' }), completionOf('', { outcome: null })]) {
        const answer = await assertRecordUnchanged(bench, () => bench.store.complete(lease, late));
        assert.deepEqual(withoutNow(answer), { kind: 'ok' });
      }
      assert.equal(await replayedOutcome(bench), 'first');
    });

    test('needs no time limit while the record is there', async (bench) => {
      const lease = await acquireLease(bench);
      const answer = await bench.store.complete(lease, completionOf('paid', { notAfter: 1 }));
      assert.deepEqual(withoutNow(answer), { kind: 'ok' });
    });

    for (const as of ['retryable', 'unknown'] as const) {
      test(`is lost after the own release as ${as}, and told what stands there`, async (bench) => {
        const lease = await acquireLease(bench);
        await bench.store.release(lease, as === 'unknown' ? { as, retryAfterMs: null, note: 'n' } : { as });
        const answer = await assertRecordUnchanged(bench, () => bench.store.complete(lease, completionOf('late')));
        const standing =
          as === 'unknown' ? { kind: 'outcome_unknown', retryAfterMs: null, note: 'n' } : { kind: 'retryable' };
        assert.deepEqual(withoutNow(answer), { kind: 'lost', standing });
      });
    }

    for (const older of [false, true]) {
      const what = older ? 'writes over an older copy' : 'writes a record that the store lost anew';
      test(`${what} before its notAfter, and says restored`, async (bench) => {
        const before = older ? await acquireLease(bench, { onAbandoned: 'block' }) : null;
        const lease = await leaseOnLostRecord(bench);
        const { now, ...answer } = await bench.store.complete(lease, completionOf('paid'));
        assert.deepEqual(answer, { kind: 'restored' });
        const { ownerToken, fencingToken, attempt, expiresAt } = await readRecord(bench);
        assert.deepEqual([ownerToken, fencingToken, attempt], [lease.ownerToken, lease.fencingToken, 3]);
        assert.equal(expiresAt, before === null ? now + dayMs : before.leaseEndAt + before.unknownTtlMs);
        assert.equal(await replayedOutcome(bench), 'paid');
        assert.deepEqual(withoutNow(await bench.store.complete(lease, completionOf('again'))), { kind: 'ok' });
      });
    }

    test('is gone from its notAfter on, and writes nothing', async (bench) => {
      for (const older of [false, true]) {
        if (older) await acquireLease(bench);
        const lease = await leaseOnLostRecord(bench);
        const { now } = await bench.store.read(bench.key);
        const late = completionOf('late', { notAfter: now });
        const answer = await assertRecordUnchanged(bench, () => bench.store.complete(lease, late));
        assert.deepEqual(withoutNow(answer), { kind: 'gone' });
      }
    });

    test('is lost on a completed record, also one of a lower fencing token', async (bench) => {
      const first = await acquireLease(bench);
      await bench.store.complete(first, completionOf('paid'));
      const lease = await leaseOnLostRecord(bench);
      const answer = await assertRecordUnchanged(bench, () => bench.store.complete(lease, completionOf('mine')));
      assert.ok(answer.kind === 'lost' && answer.standing.kind === 'completed');
      assert.equal(Buffer.from(answer.standing.outcome).toString(), 'paid');
      assert.equal(answer.standing.fencingToken, first.fencingToken);
    });
  });
}
