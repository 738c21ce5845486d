// The suite: release.
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
  withoutNow,
} from './test-helpers.js';

const releaseRequests: readonly ReleaseRequest[] = [
  { as: 'retryable' },
  { as: 'unknown', retryAfterMs: 5_000, note: 'timeout' },
  { as: 'not_started' },
];

export function releaseTests({ describe, test }: StoreSuiteContext): void {
  describe('release', () => {
    for (const how of releaseRequests) {
      test(`as ${how.as} ends the attempt, and sent again or otherwise has no effect`, async (bench) => {
        const lease = await acquireLease(bench);
        const { now, ...answer } = await bench.store.release(lease, how);
        assert.deepEqual(answer, { kind: 'ok' });
        const { state, note, retryAt } = await readRecord(bench);
        const unknown = ['unknown', 'timeout', now + 5_000];
        assert.deepEqual([state, note, retryAt], how.as === 'unknown' ? unknown : ['retryable', null, null]);
        for (const again of releaseRequests) {
          const late = await assertRecordUnchanged(bench, () => bench.store.release(lease, again));
          assert.deepEqual(withoutNow(late), { kind: 'ok' });
        }
      });

      test(`as ${how.as} is lost after the own complete`, async (bench) => {
        const lease = await acquireLease(bench);
        await bench.store.complete(lease, completionOf('paid'));
        const answer = await assertRecordUnchanged(bench, () => bench.store.release(lease, how));
        assert.deepEqual(withoutNow(answer), { kind: 'lost' });
      });

      test(`as ${how.as} is gone where the store lost the record or kept an older copy`, async (bench) => {
        for (const older of [false, true]) {
          if (older) await acquireLease(bench);
          const lease = await leaseOnLostRecord(bench);
          const answer = await assertRecordUnchanged(bench, () => bench.store.release(lease, how));
          assert.deepEqual(withoutNow(answer), { kind: 'gone' });
        }
      });

      test(`as ${how.as} makes the next acquire with the same token superseded`, async (bench) => {
        const lease = await acquireLease(bench);
        await bench.store.release(lease, how);
        const late = acquireRequest({ ownerToken: lease.ownerToken, onAbandoned: 'recover' });
        const answer = await assertRecordUnchanged(bench, () => bench.store.acquire(bench.key, late));
        assert.deepEqual(withoutNow(answer), { kind: 'superseded' });
      });
    }

    test('as unknown keeps the record unknownTtlMs, and none shortens its life', async (bench) => {
      const lease = await acquireLease(bench);
      const { expiresAt } = await readRecord(bench);
      assert.equal(expiresAt, lease.leaseEndAt + dayMs);
      const { now } = await bench.store.release(lease, { as: 'unknown', retryAfterMs: null, note: null });
      assert.equal((await readRecord(bench)).expiresAt, now + lease.unknownTtlMs);
    });

    test('as retryable keeps the payload of the key, unless it says unbind', async (bench) => {
      await bench.store.release(await acquireLease(bench), { as: 'retryable', unbindFingerprint: false });
      const refused = await bench.store.acquire(bench.key, acquireRequest({ fingerprint: 'v1:other' }));
      assert.deepEqual(withoutNow(refused), { kind: 'key_reused', version: 'v1' });
    });

    test('as retryable and unbind lets the next attempt have another payload, as often as it is said', async (bench) => {
      for (const fingerprint of ['v1:a', 'v1:b', 'v1:c']) {
        const lease = await acquireLease(bench, { fingerprint });
        assert.equal(lease.fingerprintBound, false);
        await bench.store.release(lease, { as: 'retryable', unbindFingerprint: true });
        assert.equal((await readRecord(bench)).fingerprint, null);
      }
    });

    test('as retryable and unbind keeps a payload that an earlier attempt bound', async (bench) => {
      await bench.store.release(await acquireLease(bench), { as: 'retryable' });
      const lease = await acquireLease(bench);
      assert.equal(lease.fingerprintBound, true);
      await bench.store.release(lease, { as: 'retryable', unbindFingerprint: true });
      const refused = await bench.store.acquire(bench.key, acquireRequest({ fingerprint: 'v1:other' }));
      assert.deepEqual(withoutNow(refused), { kind: 'key_reused', version: 'v1' });
    });

    test('as retryable and unbind keeps the payload of recorded steps', async (bench) => {
      const lease = await acquireLease(bench);
      await bench.store.checkpoint(lease, { step: 'charge', seq: 2, bytes: Buffer.from('x') });
      await bench.store.release(lease, { as: 'retryable', unbindFingerprint: true });
      assert.equal((await readRecord(bench)).fingerprint, lease.fingerprint);
    });

    for (const fence of ['never learnt', 'known'] as const) {
      test(`as not_started needs the token alone, the fencing token ${fence}`, async (bench) => {
        const lease = await acquireLease(bench);
        const holder: LeaseIdentity = fence === 'known' ? lease : { ...lease, fencingToken: null };
        assert.deepEqual(withoutNow(await bench.store.release(holder, { as: 'not_started' })), { kind: 'ok' });
        assert.equal((await readRecord(bench)).state, 'retryable');
      });
    }

    test('as not_started by another token is lost, or gone where there is no record', async (bench) => {
      const stranger: LeaseIdentity = { ...(await leaseOnLostRecord(bench)), fencingToken: null };
      const nobody = await assertRecordUnchanged(bench, () => bench.store.release(stranger, { as: 'not_started' }));
      assert.deepEqual(withoutNow(nobody), { kind: 'gone' });
      await acquireLease(bench);
      const other = await assertRecordUnchanged(bench, () => bench.store.release(stranger, { as: 'not_started' }));
      assert.deepEqual(withoutNow(other), { kind: 'lost' });
    });

    test('as not_started of a recovering attempt leaves the outcome unknown, with the note of before', async (bench) => {
      const first = await acquireLease(bench, { onAbandoned: 'block' });
      await bench.store.release(first, { as: 'unknown', retryAfterMs: null, note: 'ask the bank' });
      const recovering = await acquireLease(bench, { onAbandoned: 'recover' });
      await bench.store.release({ ...recovering, fencingToken: null }, { as: 'not_started' });
      const { state, note, retryAt } = await readRecord(bench);
      assert.deepEqual([state, note, retryAt], ['unknown', 'ask the bank', null]);
    });

    test('still counts after the lease is over, as long as nobody took over', async (bench) => {
      const lease = await acquireAbandonedLease(bench, { onAbandoned: 'block' });
      assert.deepEqual(withoutNow(await bench.store.release(lease, { as: 'retryable' })), { kind: 'ok' });
      assert.equal((await acquireLease(bench)).attempt, 2);
    });
  });
}
