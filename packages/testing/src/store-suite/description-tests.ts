// Suite: what a record says about its work for people: operation, label, trace, and when its attempts began.
import assert from 'node:assert/strict';
import type { StoreSuiteContext } from './suite-context.js';
import {
  acquireAbandonedLease,
  acquireLease,
  acquireRequest,
  assertAcquired,
  assertRefusedAsBug,
  completionOf,
  hourMs,
  leaseOnLostRecord,
  readRecord,
  resolveRequest,
  traceparent,
} from './test-helpers.js';

const otherTrace = traceparent.replace('4bf9', 'ffff');
const described = { operation: 'créer un paiement ✓', label: 'Order "17" ✓', traceparent } as const;

export function descriptionTests(suite: StoreSuiteContext): void {
  suite.describe('what a record says for people', () => {
    attemptTests(suite);
    lastingTests(suite);
    argumentTests(suite);
  });
}

function attemptTests({ test }: StoreSuiteContext): void {
  test('is operation, label, trace and the start of the attempt, in the reply and in the record', async (context) => {
    const reply = assertAcquired(await context.store.acquire(context.key, acquireRequest(described)));
    const times = { firstAcquiredAt: reply.now, acquiredAt: reply.now };
    assert.deepEqual(descriptionOf(reply), { ...described, ...times });
    assert.deepEqual(descriptionOf(await readRecord(context)), { ...described, ...times });
  });

  test('does not change when the acquisition is sent again', async (context) => {
    const request = acquireRequest({ ...described, leaseMs: 5 });
    const first = assertAcquired(await context.store.acquire(context.key, request));
    await context.waitForStoreTime(first.leaseEndAt);
    const resent = { ...request, operation: 'other', label: 'other', traceparent: otherTrace, leaseMs: hourMs };
    assertAcquired(await context.store.acquire(context.key, resent));
    assert.deepEqual(descriptionOf(await readRecord(context)), descriptionOf(first));
  });

  test('is that of the last attempt; a label stays until another is given, and the first start stays', async (context) => {
    const first = await acquireAbandonedLease(context, described);
    const request = { operation: 'refund', traceparent: otherTrace, leaseMs: 5 };
    const second = await acquireLease(context, request);
    assert.deepEqual(
      [second.operation, second.label, second.traceparent, second.firstAcquiredAt],
      ['refund', described.label, otherTrace, first.acquiredAt],
    );
    assert.ok(second.acquiredAt >= first.leaseEndAt);
    await context.waitForStoreTime(second.leaseEndAt);
    const third = await acquireLease(context, { label: 'Order 18' });
    assert.deepEqual([third.label, third.traceparent, third.firstAcquiredAt], ['Order 18', null, first.acquiredAt]);
  });

  test('has the trace of the attempt that a recovery finds out about, unless the recovery has its own', async (context) => {
    const recover = { onAbandoned: 'recover', leaseMs: 5 } as const;
    await acquireAbandonedLease(context, { ...described, onAbandoned: 'block' });
    const second = await acquireLease(context, recover);
    assert.equal(second.traceparent, traceparent);
    await context.waitForStoreTime(second.leaseEndAt);
    assert.equal((await acquireLease(context, { ...recover, traceparent: otherTrace })).traceparent, otherTrace);
  });
}

function lastingTests({ test }: StoreSuiteContext): void {
  test('stays through completion, and a replay gets the trace', async (context) => {
    const lease = await acquireLease(context, described);
    await context.store.complete(lease, completionOf('paid'));
    assert.deepEqual(descriptionOf(await readRecord(context)), descriptionOf(lease));
    const reply = await context.store.acquire(context.key, acquireRequest({ operation: 'other', label: 'other' }));
    assert.ok(reply.kind === 'completed');
    assert.equal(reply.traceparent, traceparent);
    assert.deepEqual(descriptionOf(await readRecord(context)), descriptionOf(lease));
  });

  test('stays through a release as unknown and a decision', async (context) => {
    const lease = await acquireLease(context, described);
    await context.store.release(lease, { as: 'unknown', retryAfterMs: null, note: null });
    assert.deepEqual(descriptionOf(await readRecord(context)), descriptionOf(lease));
    await context.store.resolve(context.key, resolveRequest(lease.fencingToken));
    assert.deepEqual(descriptionOf(await readRecord(context)), descriptionOf(lease));
  });

  for (const verb of ['renew', 'complete'] as const) {
    test(`is written again by ${verb} after the store lost the record`, async (context) => {
      const lease = await leaseOnLostRecord(context);
      const { kind } = await (verb === 'renew'
        ? context.store.renew(lease, hourMs)
        : context.store.complete(lease, completionOf('paid')));
      assert.equal(kind, 'restored');
      assert.deepEqual(descriptionOf(await readRecord(context)), descriptionOf(lease));
    });
  }

  test('is written again without label and trace where there were none', async (context) => {
    const lease = await leaseOnLostRecord(context, { label: null, traceparent: null, fingerprint: null });
    await context.store.renew(lease, hourMs);
    assert.deepEqual(descriptionOf(await readRecord(context)), descriptionOf(lease));
  });

  test('is gone with a removed record', async (context) => {
    await acquireLease(context, described);
    await context.store.remove(context.key);
    const nothing = { operation: '', label: null, traceparent: null, firstAcquiredAt: 0, acquiredAt: 0 };
    assert.deepEqual(descriptionOf(await readRecord(context)), nothing);
    assert.equal((await acquireLease(context)).label, null);
  });
}

const badDescriptions: readonly object[] = [
  { operation: '' },
  { operation: null },
  { operation: 'o'.repeat(129) },
  { operation: 'a\nb' },
  { operation: '\ud800' },
  { label: '' },
  { label: undefined },
  { label: 'l'.repeat(101) },
  { label: 'a\u0000b' },
  { traceparent: '' },
  { traceparent: 'x'.repeat(55) },
  { traceparent: traceparent.toUpperCase() },
  { traceparent: `${traceparent}-x` },
  { traceparent: traceparent.replace(/[1-9a-f]/g, '0') },
];

function argumentTests({ test }: StoreSuiteContext): void {
  test('is rejected as a bug where no record can keep it', async ({ store, key }) => {
    const lease = await acquireLease({ store, key: `${key}-lease` });
    for (const bad of badDescriptions) {
      await assertRefusedAsBug(store.acquire(key, acquireRequest(bad)));
      await assertRefusedAsBug(store.renew({ ...lease, ...bad }, hourMs));
    }
    for (const bad of [{ firstAcquiredAt: -1 }, { acquiredAt: 0.5 }])
      await assertRefusedAsBug(store.complete({ ...lease, ...bad }, completionOf('paid')));
  });

  test('may be of the greatest length', async (context) => {
    const longest = { operation: '✓'.repeat(128), label: '✓'.repeat(100), traceparent };
    const lease = await acquireLease(context, longest);
    assert.deepEqual(descriptionOf(await readRecord(context)), descriptionOf(lease));
    assert.equal(lease.operation, longest.operation);
  });
}

interface Description {
  readonly operation: string;
  readonly label: string | null;
  readonly traceparent: string | null;
  readonly firstAcquiredAt: number;
  readonly acquiredAt: number;
}

function descriptionOf({ operation, label, traceparent, firstAcquiredAt, acquiredAt }: Description): Description {
  return { operation, label, traceparent, firstAcquiredAt, acquiredAt };
}
