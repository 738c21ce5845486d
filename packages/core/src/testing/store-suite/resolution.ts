// The suite: resolve.
import assert from 'node:assert/strict';
import type { Bench, Contract } from './contract.js';
import {
  abandon,
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
        const done = decision(lease.fence, { as: 'done', outcome: Buffer.from('paid'), note: '201' });
        const { now, ...answer } = await bench.store.resolve(bench.key, done);
        assert.deepEqual(answer, { kind: 'ok' });
        const { state, fence, resolved, expiresAt, outcomeEndAt } = await recordOf(bench);
        assert.equal(state, 'completed');
        assert.ok(fence > lease.fence);
        assert.deepEqual(resolved, { fence: lease.fence, as: 'done', by: 'ops', reason: 'asked the bank' });
        assert.deepEqual([expiresAt, outcomeEndAt], [now + dayMs, now + hourMs]);
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

async function leaveUnknown(bench: Bench, overrides: Parameters<typeof own>[1] = {}) {
  const lease = await own(bench, overrides);
  await bench.store.release(lease, { as: 'unknown', retryAfterMs: null, note: 'n' });
  return lease;
}
