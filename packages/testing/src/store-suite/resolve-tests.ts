// The suite: resolve.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { StoreSuiteContext, StoreTestContext } from './suite-context.js';
import {
  acquireAbandonedLease,
  acquireLease,
  acquireRequest,
  assertRecordUnchanged,
  briefMs,
  completionOf,
  dayMs,
  hourMs,
  leaseOnLostRecord,
  readRecord,
  replayedOutcome,
  resolveRequest,
  withoutNow,
} from './test-helpers.js';

const doubtStates = { unknown: releaseAsUnknown, abandoned: acquireAbandonedLease } as const;

export function resolveTests({ describe, test }: StoreSuiteContext): void {
  describe('resolve', () => {
    for (const [what, leave] of Object.entries(doubtStates)) {
      test(`as done completes a record that is ${what}, and raises the fencing token`, async (bench) => {
        const lease = await leave(bench, { onAbandoned: 'block' });
        const { expiresAt: before } = await readRecord(bench);
        const done = resolveRequest(lease.fencingToken, { as: 'done', outcome: Buffer.from('paid'), note: '201' });
        const { now, ...answer } = await bench.store.resolve(bench.key, done);
        assert.deepEqual(answer, { kind: 'ok' });
        const { state, fencingToken, decisions, expiresAt, outcomeEndAt } = await readRecord(bench);
        assert.equal(state, 'completed');
        assert.ok(fencingToken > lease.fencingToken);
        const said = { fencingToken: lease.fencingToken, as: 'done', by: 'ops', reason: 'asked the bank', at: now };
        assert.deepEqual(decisions, [said]);
        assert.deepEqual([expiresAt, outcomeEndAt], [before, now + hourMs]);
        assert.equal(await replayedOutcome(bench), 'paid');
      });

      test(`as not_done frees a record that is ${what}, and its paused owner finds it lost`, async (bench) => {
        const lease = await leave(bench, { onAbandoned: 'block' });
        assert.deepEqual(withoutNow(await bench.store.resolve(bench.key, resolveRequest(lease.fencingToken))), {
          kind: 'ok',
        });
        const { state, fencingToken } = await readRecord(bench);
        assert.equal(state, 'retryable');
        const late = await assertRecordUnchanged(bench, () => bench.store.complete(lease, completionOf('late')));
        assert.deepEqual(withoutNow(late), { kind: 'lost', standing: { kind: 'retryable' } });
        const next = await acquireLease(bench);
        assert.equal(next.attempt, 2);
        assert.ok(next.fencingToken > fencingToken);
      });
    }

    for (const as of ['done', 'not_done'] as const) {
      test(`as ${as} keeps the record for its own terms, never shorter, and longer where the decision says so`, async ({
        store,
      }) => {
        for (const given of [null, briefMs, 3 * dayMs]) {
          const bench = { store, key: randomUUID() };
          const terms = { recordTtlMs: 2 * dayMs, outcomeTtlMs: dayMs, unknownTtlMs: hourMs };
          const { fencingToken } = await releaseAsUnknown(bench, terms);
          const { expiresAt: before } = await readRecord(bench);
          const times = { recordTtlMs: given, outcomeTtlMs: given };
          const outcome = as === 'done' ? Buffer.from('paid') : null;
          const { now } = await store.resolve(bench.key, resolveRequest(fencingToken, { as, outcome, ...times }));
          const { expiresAt, outcomeEndAt } = await readRecord(bench);
          assert.equal(expiresAt, Math.max(before, now + Math.max(2 * dayMs, given ?? 0)));
          assert.equal(outcomeEndAt, as === 'done' ? now + Math.max(dayMs, given ?? 0) : 0);
        }
      });
    }

    test('is kept with those before and after it, the last five, through later attempts and completion', async (bench) => {
      for (let n = 1; n <= 6; n += 1) {
        const { fencingToken } = await releaseAsUnknown(bench);
        await bench.store.resolve(bench.key, resolveRequest(fencingToken, { by: `ops ${n}`, reason: 'a\n"reason"' }));
      }
      await bench.store.complete(await acquireLease(bench), completionOf('paid'));
      const { decisions, state } = await readRecord(bench);
      assert.equal(state, 'completed');
      assert.deepEqual(
        decisions.map(({ by }) => by),
        ['ops 2', 'ops 3', 'ops 4', 'ops 5', 'ops 6'],
      );
      assert.ok(decisions.every(({ as, reason }) => as === 'not_done' && reason === 'a\n"reason"'));
    });

    test('of an earlier life is not kept', async (bench) => {
      const { fencingToken } = await releaseAsUnknown(bench);
      await bench.store.resolve(bench.key, resolveRequest(fencingToken));
      await bench.store.remove(bench.key);
      await acquireLease(bench);
      assert.deepEqual((await readRecord(bench)).decisions, []);
    });

    test('as not_done leaves no trace of steps where all were in doubt', async (bench) => {
      const lease = await acquireLease(bench);
      await bench.store.checkpoint(lease, { step: 'charge', seq: 1, bytes: Buffer.from('x') });
      await bench.store.release(lease, { as: 'unknown', retryAfterMs: null, note: null });
      await bench.store.resolve(bench.key, resolveRequest(lease.fencingToken));
      const next = await acquireLease(bench);
      assert.equal((await readRecord(bench)).steps.size, 0);
      await bench.store.checkpoint(next, { step: 'mail', seq: 2, bytes: Buffer.from('y') });
      assert.deepEqual([...(await readRecord(bench)).steps.keys()], ['mail']);
    });

    test('as not_done lets the steps run that were in doubt, and keeps what is known of the others', async (bench) => {
      const lease = await acquireLease(bench, { onAbandoned: 'block' });
      const points = [
        ['known', 2],
        ['begun', 1],
        ['begun again', 3],
      ] as const;
      for (const [name, seq] of points) {
        const step = name.replace(' ', '-');
        await bench.store.checkpoint(lease, { step, seq, bytes: Buffer.from('3:x') });
      }
      await bench.store.release(lease, { as: 'unknown', retryAfterMs: null, note: null });
      await bench.store.resolve(bench.key, resolveRequest(lease.fencingToken));
      const { steps } = await readRecord(bench);
      assert.deepEqual([...steps.keys()], ['known']);
    });

    for (const as of ['done', 'not_done'] as const) {
      const other = as === 'done' ? 'not_done' : 'done';
      test(`as ${as} sent again is ok without effect, and as ${other} a conflict`, async (bench) => {
        const lease = await releaseAsUnknown(bench);
        await bench.store.resolve(bench.key, resolveRequest(lease.fencingToken, { as }));
        const again = resolveRequest(lease.fencingToken, { as, outcome: Buffer.from('x'), by: 'somebody else' });
        const same = await assertRecordUnchanged(bench, () => bench.store.resolve(bench.key, again));
        assert.deepEqual(withoutNow(same), { kind: 'ok' });
        const against = resolveRequest(lease.fencingToken, { as: other });
        const conflict = await assertRecordUnchanged(bench, () => bench.store.resolve(bench.key, against));
        assert.equal(conflict.kind, 'conflict');
      });
    }

    test('sent again after somebody acquired is a conflict', async (bench) => {
      const lease = await releaseAsUnknown(bench);
      await bench.store.resolve(bench.key, resolveRequest(lease.fencingToken));
      await acquireLease(bench);
      const late = await assertRecordUnchanged(bench, () =>
        bench.store.resolve(bench.key, resolveRequest(lease.fencingToken)),
      );
      assert.ok(late.kind === 'conflict' && late.standing.kind === 'in_progress');
    });

    test('is a conflict while the lease is alive, on another fencing token, and where nothing is in doubt', async (bench) => {
      const { store, key } = bench;
      const lease = await acquireLease(bench);
      const resolve = (fence: number) => assertRecordUnchanged(bench, () => store.resolve(key, resolveRequest(fence)));
      const alive = await resolve(lease.fencingToken);
      assert.ok(alive.kind === 'conflict' && alive.standing.kind === 'in_progress');
      await store.release(lease, { as: 'unknown', retryAfterMs: null, note: 'n' });
      for (const fence of [lease.fencingToken - 1, lease.fencingToken + 1]) {
        const standing = { kind: 'outcome_unknown', retryAfterMs: null, note: 'n' };
        assert.deepEqual(withoutNow(await resolve(fence)), { kind: 'conflict', standing });
      }
      const recovering = await acquireLease(bench, { onAbandoned: 'recover' });
      await store.complete(recovering, completionOf('paid'));
      const done = await resolve(recovering.fencingToken);
      assert.ok(done.kind === 'conflict' && done.standing.kind === 'completed');
      assert.equal(Buffer.from(done.standing.outcome).toString(), 'paid');
    });

    test('on a retryable record is a conflict', async (bench) => {
      const lease = await acquireLease(bench);
      await bench.store.release(lease, { as: 'retryable' });
      const answer = await assertRecordUnchanged(bench, () =>
        bench.store.resolve(bench.key, resolveRequest(lease.fencingToken)),
      );
      assert.deepEqual(withoutNow(answer), { kind: 'conflict', standing: { kind: 'retryable' } });
    });

    test('is gone where there is no record', async (bench) => {
      const { fencingToken } = await leaseOnLostRecord(bench);
      const answer = await assertRecordUnchanged(bench, () =>
        bench.store.resolve(bench.key, resolveRequest(fencingToken)),
      );
      assert.deepEqual(withoutNow(answer), { kind: 'gone' });
    });

    test('leaves a late copy of the old acquisition superseded', async (bench) => {
      const lease = await releaseAsUnknown(bench);
      await bench.store.resolve(bench.key, resolveRequest(lease.fencingToken));
      const late = acquireRequest({ ownerToken: lease.ownerToken });
      const answer = await assertRecordUnchanged(bench, () => bench.store.acquire(bench.key, late));
      assert.deepEqual(withoutNow(answer), { kind: 'superseded' });
    });
  });
}

async function releaseAsUnknown(
  bench: Pick<StoreTestContext, 'store' | 'key'>,
  overrides: Parameters<typeof acquireLease>[1] = {},
) {
  const lease = await acquireLease(bench, overrides);
  await bench.store.release(lease, { as: 'unknown', retryAfterMs: null, note: 'n' });
  return lease;
}
