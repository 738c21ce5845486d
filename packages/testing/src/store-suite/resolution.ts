// The suite: resolve.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Bench, Contract } from './contract.js';
import {
  abandon,
  briefMs,
  changesNothing,
  completionOf,
  dayMs,
  decision,
  hourMs,
  leaseOnLostRecord,
  own,
  recordOf,
  replayed,
  request,
  said,
} from './requests.js';

const ways = { unknown: leaveUnknown, abandoned: abandon } as const;

export function resolution({ describe, test }: Contract): void {
  describe('resolve', () => {
    for (const [what, leave] of Object.entries(ways)) {
      test(`as done completes a record that is ${what}, and raises the fencing token`, async (bench) => {
        const lease = await leave(bench, { onAbandoned: 'block' });
        const { expiresAt: before } = await recordOf(bench);
        const done = decision(lease.fence, { as: 'done', outcome: Buffer.from('paid'), note: '201' });
        const { now, ...answer } = await bench.store.resolve(bench.key, done);
        assert.deepEqual(answer, { kind: 'ok' });
        const { state, fence, decisions, expiresAt, outcomeEndAt } = await recordOf(bench);
        assert.equal(state, 'completed');
        assert.ok(fence > lease.fence);
        const said = { fence: lease.fence, as: 'done', by: 'ops', reason: 'asked the bank', at: now };
        assert.deepEqual(decisions, [said]);
        assert.deepEqual([expiresAt, outcomeEndAt], [before, now + hourMs]);
        assert.equal(await replayed(bench), 'paid');
      });

      test(`as not_done frees a record that is ${what}, and its paused owner finds it lost`, async (bench) => {
        const lease = await leave(bench, { onAbandoned: 'block' });
        assert.deepEqual(said(await bench.store.resolve(bench.key, decision(lease.fence))), { kind: 'ok' });
        const { state, fence } = await recordOf(bench);
        assert.equal(state, 'retryable');
        const late = await changesNothing(bench, () => bench.store.complete(lease, completionOf('late')));
        assert.deepEqual(said(late), { kind: 'lost', standing: { kind: 'retryable' } });
        const next = await own(bench);
        assert.equal(next.attempt, 2);
        assert.ok(next.fence > fence);
      });
    }

    for (const as of ['done', 'not_done'] as const) {
      test(`as ${as} keeps the record for its own terms, never shorter, and longer where the decision says so`, async ({
        store,
      }) => {
        for (const given of [null, briefMs, 3 * dayMs]) {
          const bench = { store, key: randomUUID() };
          const terms = { recordTtlMs: 2 * dayMs, outcomeTtlMs: dayMs, unknownTtlMs: hourMs };
          const { fence } = await leaveUnknown(bench, terms);
          const { expiresAt: before } = await recordOf(bench);
          const times = { recordTtlMs: given, outcomeTtlMs: given };
          const outcome = as === 'done' ? Buffer.from('paid') : null;
          const { now } = await store.resolve(bench.key, decision(fence, { as, outcome, ...times }));
          const { expiresAt, outcomeEndAt } = await recordOf(bench);
          assert.equal(expiresAt, Math.max(before, now + Math.max(2 * dayMs, given ?? 0)));
          assert.equal(outcomeEndAt, as === 'done' ? now + Math.max(dayMs, given ?? 0) : 0);
        }
      });
    }

    test('is kept with those before and after it, the last five, through later attempts and completion', async (bench) => {
      for (let n = 1; n <= 6; n += 1) {
        const { fence } = await leaveUnknown(bench);
        await bench.store.resolve(bench.key, decision(fence, { by: `ops ${n}`, reason: 'a\n"reason"' }));
      }
      await bench.store.complete(await own(bench), completionOf('paid'));
      const { decisions, state } = await recordOf(bench);
      assert.equal(state, 'completed');
      assert.deepEqual(
        decisions.map(({ by }) => by),
        ['ops 2', 'ops 3', 'ops 4', 'ops 5', 'ops 6'],
      );
      assert.ok(decisions.every(({ as, reason }) => as === 'not_done' && reason === 'a\n"reason"'));
    });

    test('of an earlier life is not kept', async (bench) => {
      const { fence } = await leaveUnknown(bench);
      await bench.store.resolve(bench.key, decision(fence));
      await bench.store.remove(bench.key);
      await own(bench);
      assert.deepEqual((await recordOf(bench)).decisions, []);
    });

    test('as not_done leaves no trace of steps where all were in doubt', async (bench) => {
      const lease = await own(bench);
      await bench.store.checkpoint(lease, { step: 'charge', seq: 1, bytes: Buffer.from('x') });
      await bench.store.release(lease, { as: 'unknown', retryAfterMs: null, note: null });
      await bench.store.resolve(bench.key, decision(lease.fence));
      const next = await own(bench);
      assert.equal((await recordOf(bench)).steps.size, 0);
      await bench.store.checkpoint(next, { step: 'mail', seq: 2, bytes: Buffer.from('y') });
      assert.deepEqual([...(await recordOf(bench)).steps.keys()], ['mail']);
    });

    test('as not_done lets the steps run that were in doubt, and keeps what is known of the others', async (bench) => {
      const lease = await own(bench, { onAbandoned: 'block' });
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
      await bench.store.resolve(bench.key, decision(lease.fence));
      const { steps } = await recordOf(bench);
      assert.deepEqual([...steps.keys()], ['known']);
    });

    for (const as of ['done', 'not_done'] as const) {
      const other = as === 'done' ? 'not_done' : 'done';
      test(`as ${as} sent again is ok without effect, and as ${other} a conflict`, async (bench) => {
        const lease = await leaveUnknown(bench);
        await bench.store.resolve(bench.key, decision(lease.fence, { as }));
        const again = decision(lease.fence, { as, outcome: Buffer.from('x'), by: 'somebody else' });
        const same = await changesNothing(bench, () => bench.store.resolve(bench.key, again));
        assert.deepEqual(said(same), { kind: 'ok' });
        const against = decision(lease.fence, { as: other });
        const conflict = await changesNothing(bench, () => bench.store.resolve(bench.key, against));
        assert.equal(conflict.kind, 'conflict');
      });
    }

    test('sent again after somebody acquired is a conflict', async (bench) => {
      const lease = await leaveUnknown(bench);
      await bench.store.resolve(bench.key, decision(lease.fence));
      await own(bench);
      const late = await changesNothing(bench, () => bench.store.resolve(bench.key, decision(lease.fence)));
      assert.ok(late.kind === 'conflict' && late.standing.kind === 'in_progress');
    });

    test('is a conflict while the lease is alive, on another fencing token, and where nothing is in doubt', async (bench) => {
      const { store, key } = bench;
      const lease = await own(bench);
      const resolve = (fence: number) => changesNothing(bench, () => store.resolve(key, decision(fence)));
      const alive = await resolve(lease.fence);
      assert.ok(alive.kind === 'conflict' && alive.standing.kind === 'in_progress');
      await store.release(lease, { as: 'unknown', retryAfterMs: null, note: 'n' });
      for (const fence of [lease.fence - 1, lease.fence + 1]) {
        const standing = { kind: 'unknown', retryAfterMs: null, note: 'n' };
        assert.deepEqual(said(await resolve(fence)), { kind: 'conflict', standing });
      }
      const recovering = await own(bench, { onAbandoned: 'recover' });
      await store.complete(recovering, completionOf('paid'));
      const done = await resolve(recovering.fence);
      assert.ok(done.kind === 'conflict' && done.standing.kind === 'completed');
      assert.equal(Buffer.from(done.standing.outcome).toString(), 'paid');
    });

    test('on a retryable record is a conflict', async (bench) => {
      const lease = await own(bench);
      await bench.store.release(lease, { as: 'retryable' });
      const answer = await changesNothing(bench, () => bench.store.resolve(bench.key, decision(lease.fence)));
      assert.deepEqual(said(answer), { kind: 'conflict', standing: { kind: 'retryable' } });
    });

    test('is gone where there is no record', async (bench) => {
      const { fence } = await leaseOnLostRecord(bench);
      const answer = await changesNothing(bench, () => bench.store.resolve(bench.key, decision(fence)));
      assert.deepEqual(said(answer), { kind: 'gone' });
    });

    test('leaves a late copy of the old acquisition superseded', async (bench) => {
      const lease = await leaveUnknown(bench);
      await bench.store.resolve(bench.key, decision(lease.fence));
      const late = request({ token: lease.token });
      const answer = await changesNothing(bench, () => bench.store.acquire(bench.key, late));
      assert.deepEqual(said(answer), { kind: 'superseded' });
    });
  });
}

async function leaveUnknown(bench: Pick<Bench, 'store' | 'key'>, overrides: Parameters<typeof own>[1] = {}) {
  const lease = await own(bench, overrides);
  await bench.store.release(lease, { as: 'unknown', retryAfterMs: null, note: 'n' });
  return lease;
}
