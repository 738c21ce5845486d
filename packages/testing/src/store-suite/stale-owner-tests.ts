// The suite: every message may arrive late, and then changes nothing that its sender does not own.
import assert from 'node:assert/strict';
import type { IdempotencyStore, Lease, Standing } from '@onceguard/core/store';
import type { StoreSuiteContext } from './suite-context.js';
import {
  acquireAbandonedLease,
  acquireLease,
  acquireRequest,
  assertRecordUnchanged,
  completionOf,
  hourMs,
  resolveRequest,
  withoutNow,
} from './test-helpers.js';

type Store = IdempotencyStore;

/** Every message that an owner may have sent. */
const ownerCalls = {
  renew: (store: Store, lease: Lease) => store.renew(lease, hourMs),
  checkpoint: (store: Store, lease: Lease) =>
    store.checkpoint(lease, { step: 'charge', seq: 9, bytes: Buffer.from('late') }),
  complete: (store: Store, lease: Lease) => store.complete(lease, completionOf('late')),
  'release as retryable': (store: Store, lease: Lease) => store.release(lease, { as: 'retryable' }),
  'release as unknown': (store: Store, lease: Lease) =>
    store.release(lease, { as: 'unknown', retryAfterMs: null, note: null }),
  'release as not_started': (store: Store, lease: Lease) => store.release(lease, { as: 'not_started' }),
} as const;

/** What may stand there by then, and what a late complete is told of it. */
const successors = {
  'a new owner at work': { follow: async () => {}, standing: 'in_progress' },
  'a new owner that completed': {
    follow: (store: Store, next: Lease) => store.complete(next, completionOf('paid')),
    standing: 'completed',
  },
  'a new owner that released': {
    follow: (store: Store, next: Lease) => store.release(next, { as: 'retryable' }),
    standing: 'retryable',
  },
  'a new owner that does not know': {
    follow: (store: Store, next: Lease) => store.release(next, { as: 'unknown', retryAfterMs: null, note: null }),
    standing: 'outcome_unknown',
  },
  'nothing, because the record was removed': {
    follow: (store: Store, next: Lease) => store.remove(next.key),
    standing: 'retryable',
  },
} as const satisfies Record<
  string,
  { follow: (store: Store, next: Lease) => Promise<unknown>; standing: Standing['kind'] }
>;

export function staleOwnerTests({ describe, test }: StoreSuiteContext): void {
  describe('a message of an owner that was succeeded', () => {
    for (const [successor, { follow, standing }] of Object.entries(successors)) {
      test(`is lost and changes nothing: ${successor}`, async (bench) => {
        const stale = await acquireAbandonedLease(bench);
        const next = await acquireLease(bench);
        await follow(bench.store, next);
        for (const [name, send] of Object.entries(ownerCalls)) {
          const answer = await assertRecordUnchanged(bench, () => send(bench.store, stale));
          assert.equal(answer.kind, 'lost', name);
          if ('standing' in answer) assert.equal(answer.standing.kind, standing);
        }
        const resolved = await assertRecordUnchanged(bench, () =>
          bench.store.resolve(bench.key, resolveRequest(stale.fencingToken)),
        );
        assert.equal(resolved.kind, 'conflict');
      });
    }

    test('is told mismatch where the key has another payload by now', async (bench) => {
      const stale = await acquireLease(bench, { fingerprint: 'v1:payment' });
      await bench.store.remove(bench.key);
      await acquireLease(bench, { fingerprint: 'v2:other' });
      const answer = await assertRecordUnchanged(bench, () => bench.store.complete(stale, completionOf('late')));
      assert.deepEqual(withoutNow(answer), { kind: 'lost', standing: { kind: 'key_reused', version: 'v2' } });
    });

    for (const [what, facts] of Object.entries({
      'another token under the same fencing token': { ownerToken: acquireRequest().ownerToken },
      'the same token under another fencing token': { fencingToken: 1 },
    })) {
      test(`does not count as its own with ${what}`, async (bench) => {
        const lease = await acquireLease(bench);
        for (const name of ['renew', 'checkpoint', 'complete', 'release as retryable'] as const) {
          const answer = await assertRecordUnchanged(bench, () =>
            ownerCalls[name](bench.store, { ...lease, ...facts }),
          );
          assert.equal(answer.kind, 'lost', name);
        }
      });
    }
  });
}
