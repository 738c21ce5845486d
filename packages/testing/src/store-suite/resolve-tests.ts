// Suite: resolve.
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

/** How to bring a record into each state that can be resolved. */
const doubtStates = { unknown: releaseAsUnknown, abandoned: acquireAbandonedLease } as const;

export function resolveTests(suite: StoreSuiteContext): void {
  suite.describe('resolve', () => {
    decisionTests(suite);
    recordedDecisionTests(suite);
    repeatedDecisionTests(suite);
    rejectedDecisionTests(suite);
  });
}

function decisionTests({ test }: StoreSuiteContext): void {
  for (const [state, createRecord] of Object.entries(doubtStates)) {
    test(`as done completes a record that is ${state}, and raises the fencing token`, async (context) => {
      const lease = await createRecord(context, { onAbandoned: 'block' });
      const { expiresAt: before } = await readRecord(context);
      const done = resolveRequest(lease.fencingToken, { as: 'done', outcome: Buffer.from('paid'), note: '201' });
      const { now, ...reply } = await context.store.resolve(context.key, done);
      assert.deepEqual(reply, { kind: 'ok' });
      const { state, fencingToken, decisions, expiresAt, outcomeEndAt } = await readRecord(context);
      assert.equal(state, 'completed');
      assert.ok(fencingToken > lease.fencingToken);
      const decision = { fencingToken: lease.fencingToken, as: 'done', by: 'ops', reason: 'asked the bank', at: now };
      assert.deepEqual(decisions, [decision]);
      assert.deepEqual([expiresAt, outcomeEndAt], [before, now + hourMs]);
      assert.equal(await replayedOutcome(context), 'paid');
    });

    test(`as not_done frees a record that is ${state}, and its paused owner finds it lost`, async (context) => {
      const lease = await createRecord(context, { onAbandoned: 'block' });
      assert.deepEqual(withoutNow(await context.store.resolve(context.key, resolveRequest(lease.fencingToken))), {
        kind: 'ok',
      });
      const { state, fencingToken } = await readRecord(context);
      assert.equal(state, 'retryable');
      const late = await assertRecordUnchanged(context, () => context.store.complete(lease, completionOf('late')));
      assert.deepEqual(withoutNow(late), { kind: 'lost', standing: { kind: 'retryable' } });
      const next = await acquireLease(context);
      assert.equal(next.attempt, 2);
      assert.ok(next.fencingToken > fencingToken);
    });
  }

  for (const as of ['done', 'not_done'] as const) {
    test(`as ${as} keeps the record for its own retention, or longer if the decision says so`, async ({ store }) => {
      for (const given of [null, briefMs, 3 * dayMs]) {
        const context = { store, key: randomUUID() };
        const retention = { recordTtlMs: 2 * dayMs, outcomeTtlMs: dayMs, unknownTtlMs: hourMs };
        const { fencingToken } = await releaseAsUnknown(context, retention);
        const { expiresAt: before } = await readRecord(context);
        const times = { recordTtlMs: given, outcomeTtlMs: given };
        const outcome = as === 'done' ? Buffer.from('paid') : null;
        const { now } = await store.resolve(context.key, resolveRequest(fencingToken, { as, outcome, ...times }));
        const { expiresAt, outcomeEndAt } = await readRecord(context);
        assert.equal(expiresAt, Math.max(before, now + Math.max(2 * dayMs, given ?? 0)));
        assert.equal(outcomeEndAt, as === 'done' ? now + Math.max(dayMs, given ?? 0) : 0);
      }
    });
  }
}

function recordedDecisionTests({ test }: StoreSuiteContext): void {
  test('keeps the last five decisions, through later attempts and completion', async (context) => {
    for (let n = 1; n <= 6; n += 1) {
      const { fencingToken } = await releaseAsUnknown(context);
      await context.store.resolve(context.key, resolveRequest(fencingToken, { by: `ops ${n}`, reason: 'a\n"reason"' }));
    }
    await context.store.complete(await acquireLease(context), completionOf('paid'));
    const { decisions, state } = await readRecord(context);
    assert.equal(state, 'completed');
    assert.deepEqual(
      decisions.map(({ by }) => by),
      ['ops 2', 'ops 3', 'ops 4', 'ops 5', 'ops 6'],
    );
    assert.ok(decisions.every(({ as, reason }) => as === 'not_done' && reason === 'a\n"reason"'));
  });

  test('does not keep decisions of a removed record', async (context) => {
    const { fencingToken } = await releaseAsUnknown(context);
    await context.store.resolve(context.key, resolveRequest(fencingToken));
    await context.store.remove(context.key);
    await acquireLease(context);
    assert.deepEqual((await readRecord(context)).decisions, []);
  });

  test('as not_done drops all steps if all were in doubt', async (context) => {
    const lease = await acquireLease(context);
    await context.store.checkpoint(lease, { step: 'charge', seq: 1, bytes: Buffer.from('x') });
    await context.store.release(lease, { as: 'unknown', retryAfterMs: null, note: null });
    await context.store.resolve(context.key, resolveRequest(lease.fencingToken));
    const next = await acquireLease(context);
    assert.equal((await readRecord(context)).steps.size, 0);
    await context.store.checkpoint(next, { step: 'mail', seq: 2, bytes: Buffer.from('y') });
    assert.deepEqual([...(await readRecord(context)).steps.keys()], ['mail']);
  });

  test('as not_done drops the steps in doubt, and keeps the results of the others', async (context) => {
    const lease = await acquireLease(context, { onAbandoned: 'block' });
    const steps = [
      ['known', 2],
      ['begun', 1],
      ['begun again', 3],
    ] as const;
    for (const [name, seq] of steps) {
      const step = name.replace(' ', '-');
      await context.store.checkpoint(lease, { step, seq, bytes: Buffer.from('3:x') });
    }
    await context.store.release(lease, { as: 'unknown', retryAfterMs: null, note: null });
    await context.store.resolve(context.key, resolveRequest(lease.fencingToken));
    assert.deepEqual([...(await readRecord(context)).steps.keys()], ['known']);
  });
}

function repeatedDecisionTests({ test }: StoreSuiteContext): void {
  for (const as of ['done', 'not_done'] as const) {
    test(`as ${as} sent again is ok and has no effect`, async (context) => {
      const decision = await decideDoubt(context, as);
      const again = await assertRecordUnchanged(context, () => context.store.resolve(context.key, decision));
      assert.deepEqual(withoutNow(again), { kind: 'ok' });
    });

    const others = { by: 'somebody else', reason: 'asked again', as: as === 'done' ? 'not_done' : 'done' } as const;
    for (const field of ['by', 'reason', 'as'] as const) {
      test(`as ${as} and then with another \`${field}\` is a conflict and has no effect`, async (context) => {
        const decision = { ...(await decideDoubt(context, as)), [field]: others[field] };
        const reply = await assertRecordUnchanged(context, () => context.store.resolve(context.key, decision));
        assert.equal(reply.kind, 'conflict');
      });
    }
  }

  test('sent again after another acquisition is a conflict', async (context) => {
    const lease = await releaseAsUnknown(context);
    await context.store.resolve(context.key, resolveRequest(lease.fencingToken));
    await acquireLease(context);
    const late = await assertRecordUnchanged(context, () =>
      context.store.resolve(context.key, resolveRequest(lease.fencingToken)),
    );
    assert.ok(late.kind === 'conflict' && late.standing.kind === 'in_progress');
  });
}

function rejectedDecisionTests({ test }: StoreSuiteContext): void {
  test('is a conflict during a lease, with another fencing token, and if nothing is in doubt', async (context) => {
    const { store, key } = context;
    const lease = await acquireLease(context);
    const resolve = (expectedFencingToken: number) =>
      assertRecordUnchanged(context, () => store.resolve(key, resolveRequest(expectedFencingToken)));
    const alive = await resolve(lease.fencingToken);
    assert.ok(alive.kind === 'conflict' && alive.standing.kind === 'in_progress');
    await store.release(lease, { as: 'unknown', retryAfterMs: null, note: 'n' });
    for (const otherToken of [lease.fencingToken - 1, lease.fencingToken + 1]) {
      const standing = { kind: 'outcome_unknown', retryAfterMs: null, note: 'n' };
      assert.deepEqual(withoutNow(await resolve(otherToken)), { kind: 'conflict', standing });
    }
    const recovering = await acquireLease(context, { onAbandoned: 'recover' });
    await store.complete(recovering, completionOf('paid'));
    const done = await resolve(recovering.fencingToken);
    assert.ok(done.kind === 'conflict' && done.standing.kind === 'completed');
    assert.equal(Buffer.from(done.standing.outcome).toString(), 'paid');
  });

  test('on a retryable record is a conflict', async (context) => {
    const lease = await acquireLease(context);
    await context.store.release(lease, { as: 'retryable' });
    const reply = await assertRecordUnchanged(context, () =>
      context.store.resolve(context.key, resolveRequest(lease.fencingToken)),
    );
    assert.deepEqual(withoutNow(reply), { kind: 'conflict', standing: { kind: 'retryable' } });
  });

  test('is gone if there is no record', async (context) => {
    const { fencingToken } = await leaseOnLostRecord(context);
    const reply = await assertRecordUnchanged(context, () =>
      context.store.resolve(context.key, resolveRequest(fencingToken)),
    );
    assert.deepEqual(withoutNow(reply), { kind: 'gone' });
  });

  test('makes a late copy of the resolved acquisition superseded', async (context) => {
    const lease = await releaseAsUnknown(context);
    await context.store.resolve(context.key, resolveRequest(lease.fencingToken));
    const late = acquireRequest({ ownerToken: lease.ownerToken });
    const reply = await assertRecordUnchanged(context, () => context.store.acquire(context.key, late));
    assert.deepEqual(withoutNow(reply), { kind: 'superseded' });
  });
}

/** The decision that was recorded. Its reason has what an encoding of it could confuse. */
async function decideDoubt(context: StoreTestContext, as: 'done' | 'not_done') {
  const { fencingToken } = await releaseAsUnknown(context);
  const decision = resolveRequest(fencingToken, { as, by: 'a "person"', reason: 'asked\nthe bank ✓' });
  assert.equal((await context.store.resolve(context.key, decision)).kind, 'ok');
  return decision;
}

async function releaseAsUnknown(
  context: Pick<StoreTestContext, 'store' | 'key'>,
  overrides: Parameters<typeof acquireLease>[1] = {},
) {
  const lease = await acquireLease(context, overrides);
  await context.store.release(lease, { as: 'unknown', retryAfterMs: null, note: 'n' });
  return lease;
}
