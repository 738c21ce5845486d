// Suite: release.
import assert from 'node:assert/strict';
import type { LeaseIdentity, ReleaseRequest } from '@onceguard/core/store';
import type { StoreSuiteContext } from './suite-context.js';
import {
  acquireAbandonedLease,
  acquireLease,
  acquireRequest,
  assertRecordUnchanged,
  completionOf,
  dayMs,
  leaseOnLostRecord,
  readRecord,
  resolveRequest,
  withoutNow,
} from './test-helpers.js';

const releaseRequests: readonly ReleaseRequest[] = [
  { as: 'retryable' },
  { as: 'unknown', retryAfterMs: 5_000, note: 'timeout' },
  { as: 'not_started' },
];

export function releaseTests(suite: StoreSuiteContext): void {
  suite.describe('release', () => {
    releaseKindTests(suite);
    retryableTests(suite);
    notStartedTests(suite);
  });
}

function releaseKindTests({ test }: StoreSuiteContext): void {
  for (const request of releaseRequests) {
    test(`as ${request.as} ends the attempt; a repetition, the same or another one, has no effect`, async (context) => {
      const lease = await acquireLease(context);
      const { now, ...reply } = await context.store.release(lease, request);
      assert.deepEqual(reply, { kind: 'ok' });
      const { state, note, retryAt } = await readRecord(context);
      const unknown = ['unknown', 'timeout', now + 5_000];
      assert.deepEqual([state, note, retryAt], request.as === 'unknown' ? unknown : ['retryable', null, null]);
      for (const repetition of releaseRequests) {
        const repeated = await assertRecordUnchanged(context, () => context.store.release(lease, repetition));
        assert.deepEqual(withoutNow(repeated), { kind: 'ok' });
      }
    });

    test(`as ${request.as} is lost after the owner’s own complete`, async (context) => {
      const lease = await acquireLease(context);
      await context.store.complete(lease, completionOf('paid'));
      const reply = await assertRecordUnchanged(context, () => context.store.release(lease, request));
      assert.deepEqual(withoutNow(reply), { kind: 'lost' });
    });

    test(`as ${request.as} is gone if the store lost the record or kept an older copy`, async (context) => {
      for (const hasOlderCopy of [false, true]) {
        if (hasOlderCopy) await acquireLease(context);
        const lease = await leaseOnLostRecord(context);
        const reply = await assertRecordUnchanged(context, () => context.store.release(lease, request));
        assert.deepEqual(withoutNow(reply), { kind: 'gone' });
      }
    });

    test(`as ${request.as} makes the next acquire with the same token superseded`, async (context) => {
      const lease = await acquireLease(context);
      await context.store.release(lease, request);
      const late = acquireRequest({ ownerToken: lease.ownerToken, onAbandoned: 'recover' });
      const reply = await assertRecordUnchanged(context, () => context.store.acquire(context.key, late));
      assert.deepEqual(withoutNow(reply), { kind: 'superseded' });
    });
  }
}

function retryableTests({ test }: StoreSuiteContext): void {
  test('as unknown keeps the record for unknownTtlMs', async (context) => {
    const lease = await acquireLease(context);
    const { expiresAt } = await readRecord(context);
    assert.equal(expiresAt, lease.leaseEndAt + dayMs);
    const { now } = await context.store.release(lease, { as: 'unknown', retryAfterMs: null, note: null });
    assert.equal((await readRecord(context)).expiresAt, now + lease.unknownTtlMs);
  });

  test('as retryable keeps the fingerprint, unless unbindFingerprint is set', async (context) => {
    await context.store.release(await acquireLease(context), { as: 'retryable', unbindFingerprint: false });
    const refused = await context.store.acquire(context.key, acquireRequest({ fingerprint: 'v1:other' }));
    assert.deepEqual(withoutNow(refused), { kind: 'key_reused', version: 'v1' });
  });

  test('as retryable keeps a record with a decision for its whole lifetime', async (context) => {
    const lease = await acquireLease(context);
    await context.store.release(lease, { as: 'unknown', retryAfterMs: null, note: null });
    await context.store.resolve(context.key, resolveRequest(lease.fencingToken));
    const { expiresAt } = await readRecord(context);
    await context.store.release(await acquireLease(context), { as: 'retryable' });
    const record = await readRecord(context);
    assert.deepEqual([record.expiresAt, record.decisions.length], [expiresAt, 1]);
  });

  test('as retryable with unbindFingerprint lets the next attempt have another payload, repeatedly', async (context) => {
    for (const fingerprint of ['v1:a', 'v1:b', 'v1:c']) {
      const lease = await acquireLease(context, { fingerprint });
      assert.equal(lease.fingerprintBound, false);
      await context.store.release(lease, { as: 'retryable', unbindFingerprint: true });
      assert.equal((await readRecord(context)).fingerprint, null);
    }
  });

  test('as retryable with unbindFingerprint keeps a fingerprint that an earlier attempt bound', async (context) => {
    await context.store.release(await acquireLease(context), { as: 'retryable' });
    const lease = await acquireLease(context);
    assert.equal(lease.fingerprintBound, true);
    await context.store.release(lease, { as: 'retryable', unbindFingerprint: true });
    const refused = await context.store.acquire(context.key, acquireRequest({ fingerprint: 'v1:other' }));
    assert.deepEqual(withoutNow(refused), { kind: 'key_reused', version: 'v1' });
  });

  test('as retryable with unbindFingerprint keeps the fingerprint if there are recorded steps', async (context) => {
    const lease = await acquireLease(context);
    await context.store.checkpoint(lease, { step: 'charge', seq: 2, bytes: Buffer.from('x') });
    await context.store.release(lease, { as: 'retryable', unbindFingerprint: true });
    assert.equal((await readRecord(context)).fingerprint, lease.fingerprint);
  });
}

function notStartedTests({ test }: StoreSuiteContext): void {
  for (const knowledge of ['unknown', 'known'] as const) {
    test(`as not_started needs only the owner token; the fencing token is ${knowledge}`, async (context) => {
      const lease = await acquireLease(context);
      const holder: LeaseIdentity = knowledge === 'known' ? lease : { ...lease, fencingToken: null };
      assert.deepEqual(withoutNow(await context.store.release(holder, { as: 'not_started' })), { kind: 'ok' });
      assert.equal((await readRecord(context)).state, 'retryable');
    });
  }

  test('as not_started with another owner token is lost, or gone if there is no record', async (context) => {
    const stranger: LeaseIdentity = { ...(await leaseOnLostRecord(context)), fencingToken: null };
    const onAbsent = await assertRecordUnchanged(context, () => context.store.release(stranger, { as: 'not_started' }));
    assert.deepEqual(withoutNow(onAbsent), { kind: 'gone' });
    await acquireLease(context);
    const onRunning = await assertRecordUnchanged(context, () =>
      context.store.release(stranger, { as: 'not_started' }),
    );
    assert.deepEqual(withoutNow(onRunning), { kind: 'lost' });
  });

  test('as not_started of a recovering attempt leaves the outcome unknown, with its previous note', async (context) => {
    const first = await acquireLease(context, { onAbandoned: 'block' });
    await context.store.release(first, { as: 'unknown', retryAfterMs: null, note: 'ask the bank' });
    const recovering = await acquireLease(context, { onAbandoned: 'recover' });
    await context.store.release({ ...recovering, fencingToken: null }, { as: 'not_started' });
    const { state, note, retryAt } = await readRecord(context);
    assert.deepEqual([state, note, retryAt], ['unknown', 'ask the bank', null]);
  });

  test('still counts after the end of the lease, unless somebody took over', async (context) => {
    const lease = await acquireAbandonedLease(context, { onAbandoned: 'block' });
    assert.deepEqual(withoutNow(await context.store.release(lease, { as: 'retryable' })), { kind: 'ok' });
    assert.equal((await acquireLease(context)).attempt, 2);
  });
}
