// The suite: release.
import assert from 'node:assert/strict';
import type { Holder, Release } from '@onceguard/core/store';
import type { Contract } from './contract.js';
import {
  abandon,
  changesNothing,
  completionOf,
  dayMs,
  leaseOnLostRecord,
  own,
  recordOf,
  request,
  said,
} from './requests.js';

const ways: readonly Release[] = [
  { as: 'retryable' },
  { as: 'unknown', retryAfterMs: 5_000, note: 'timeout' },
  { as: 'not_started' },
];

export function release({ describe, test }: Contract): void {
  describe('release', () => {
    for (const how of ways) {
      test(`as ${how.as} ends the attempt, and sent again or otherwise has no effect`, async (bench) => {
        const lease = await own(bench);
        const { now, ...answer } = await bench.store.release(lease, how);
        assert.deepEqual(answer, { kind: 'ok' });
        const { state, note, retryAt } = await recordOf(bench);
        const unknown = ['unknown', 'timeout', now + 5_000];
        assert.deepEqual([state, note, retryAt], how.as === 'unknown' ? unknown : ['retryable', null, null]);
        for (const again of ways) {
          const late = await changesNothing(bench, () => bench.store.release(lease, again));
          assert.deepEqual(said(late), { kind: 'ok' });
        }
      });

      test(`as ${how.as} is lost after the own complete`, async (bench) => {
        const lease = await own(bench);
        await bench.store.complete(lease, completionOf('paid'));
        const answer = await changesNothing(bench, () => bench.store.release(lease, how));
        assert.deepEqual(said(answer), { kind: 'lost' });
      });

      test(`as ${how.as} is gone where the store lost the record or kept an older copy`, async (bench) => {
        for (const older of [false, true]) {
          if (older) await own(bench);
          const lease = await leaseOnLostRecord(bench);
          const answer = await changesNothing(bench, () => bench.store.release(lease, how));
          assert.deepEqual(said(answer), { kind: 'gone' });
        }
      });

      test(`as ${how.as} makes the next acquire with the same token superseded`, async (bench) => {
        const lease = await own(bench);
        await bench.store.release(lease, how);
        const late = request({ token: lease.token, onAbandoned: 'recover' });
        const answer = await changesNothing(bench, () => bench.store.acquire(bench.key, late));
        assert.deepEqual(said(answer), { kind: 'superseded' });
      });
    }

    test('as unknown keeps the record unknownTtlMs, and none shortens its life', async (bench) => {
      const lease = await own(bench);
      const { expiresAt } = await recordOf(bench);
      assert.equal(expiresAt, lease.leaseEndAt + dayMs);
      const { now } = await bench.store.release(lease, { as: 'unknown', retryAfterMs: null, note: null });
      assert.equal((await recordOf(bench)).expiresAt, now + lease.unknownTtlMs);
    });

    test('as retryable keeps the payload of the key, unless it says unbind', async (bench) => {
      await bench.store.release(await own(bench), { as: 'retryable', unbind: false });
      const refused = await bench.store.acquire(bench.key, request({ fingerprint: 'v1:other' }));
      assert.deepEqual(said(refused), { kind: 'mismatch', version: 'v1' });
    });

    test('as retryable and unbind lets the next attempt have another payload, as often as it is said', async (bench) => {
      for (const fingerprint of ['v1:a', 'v1:b', 'v1:c']) {
        const lease = await own(bench, { fingerprint });
        assert.equal(lease.bound, false);
        await bench.store.release(lease, { as: 'retryable', unbind: true });
        assert.equal((await recordOf(bench)).fingerprint, null);
      }
    });

    test('as retryable and unbind keeps a payload that an earlier attempt bound', async (bench) => {
      await bench.store.release(await own(bench), { as: 'retryable' });
      const lease = await own(bench);
      assert.equal(lease.bound, true);
      await bench.store.release(lease, { as: 'retryable', unbind: true });
      const refused = await bench.store.acquire(bench.key, request({ fingerprint: 'v1:other' }));
      assert.deepEqual(said(refused), { kind: 'mismatch', version: 'v1' });
    });

    test('as retryable and unbind keeps the payload of recorded steps', async (bench) => {
      const lease = await own(bench);
      await bench.store.checkpoint(lease, { step: 'charge', seq: 2, bytes: Buffer.from('x') });
      await bench.store.release(lease, { as: 'retryable', unbind: true });
      assert.equal((await recordOf(bench)).fingerprint, lease.fingerprint);
    });

    for (const fence of ['never learnt', 'known'] as const) {
      test(`as not_started needs the token alone, the fencing token ${fence}`, async (bench) => {
        const lease = await own(bench);
        const holder: Holder = fence === 'known' ? lease : { ...lease, fence: null };
        assert.deepEqual(said(await bench.store.release(holder, { as: 'not_started' })), { kind: 'ok' });
        assert.equal((await recordOf(bench)).state, 'retryable');
      });
    }

    test('as not_started by another token is lost, or gone where there is no record', async (bench) => {
      const stranger: Holder = { ...(await leaseOnLostRecord(bench)), fence: null };
      const nobody = await changesNothing(bench, () => bench.store.release(stranger, { as: 'not_started' }));
      assert.deepEqual(said(nobody), { kind: 'gone' });
      await own(bench);
      const other = await changesNothing(bench, () => bench.store.release(stranger, { as: 'not_started' }));
      assert.deepEqual(said(other), { kind: 'lost' });
    });

    test('as not_started of a recovering attempt leaves the outcome unknown, with the note of before', async (bench) => {
      const first = await own(bench, { onAbandoned: 'block' });
      await bench.store.release(first, { as: 'unknown', retryAfterMs: null, note: 'ask the bank' });
      const recovering = await own(bench, { onAbandoned: 'recover' });
      await bench.store.release({ ...recovering, fence: null }, { as: 'not_started' });
      const { state, note, retryAt } = await recordOf(bench);
      assert.deepEqual([state, note, retryAt], ['unknown', 'ask the bank', null]);
    });

    test('still counts after the lease is over, as long as nobody took over', async (bench) => {
      const lease = await abandon(bench, { onAbandoned: 'block' });
      assert.deepEqual(said(await bench.store.release(lease, { as: 'retryable' })), { kind: 'ok' });
      assert.equal((await own(bench)).attempt, 2);
    });
  });
}
