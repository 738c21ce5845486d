// Suite: every message of an owner may arrive late, and then changes nothing that the owner no longer owns.
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

/** Every message that an owner may send. */
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

/** What may have happened to the record meanwhile, and the standing that a late complete gets. */
const successors = {
  'a new owner that is running': { follow: async () => {}, standing: 'in_progress' },
  'a new owner that completed': {
    follow: (store: Store, next: Lease) => store.complete(next, completionOf('paid')),
    standing: 'completed',
  },
  'a new owner that released': {
    follow: (store: Store, next: Lease) => store.release(next, { as: 'retryable' }),
    standing: 'retryable',
  },
  'a new owner that released as unknown': {
    follow: (store: Store, next: Lease) => store.release(next, { as: 'unknown', retryAfterMs: null, note: null }),
    standing: 'outcome_unknown',
  },
  'no owner, because the record was removed': {
    follow: (store: Store, next: Lease) => store.remove(next.key),
    standing: 'retryable',
  },
} as const satisfies Record<
  string,
  { follow: (store: Store, next: Lease) => Promise<unknown>; standing: Standing['kind'] }
>;

export function staleOwnerTests({ describe, test }: StoreSuiteContext): void {
  describe('a message of a stale owner', () => {
    for (const [successor, { follow, standing }] of Object.entries(successors)) {
      test(`is lost and changes nothing: ${successor}`, async (context) => {
        const stale = await acquireAbandonedLease(context);
        const next = await acquireLease(context);
        await follow(context.store, next);
        for (const [name, send] of Object.entries(ownerCalls)) {
          const reply = await assertRecordUnchanged(context, () => send(context.store, stale));
          assert.equal(reply.kind, 'lost', name);
          if ('standing' in reply) assert.equal(reply.standing.kind, standing);
        }
        const resolved = await assertRecordUnchanged(context, () =>
          context.store.resolve(context.key, resolveRequest(stale.fencingToken)),
        );
        assert.equal(resolved.kind, 'conflict');
      });
    }

    test('replies key_reused if the key has another payload meanwhile', async (context) => {
      const stale = await acquireLease(context, { fingerprint: 'v1:payment' });
      await context.store.remove(context.key);
      await acquireLease(context, { fingerprint: 'v2:other' });
      const reply = await assertRecordUnchanged(context, () => context.store.complete(stale, completionOf('late')));
      assert.deepEqual(withoutNow(reply), { kind: 'lost', standing: { kind: 'key_reused', version: 'v2' } });
    });

    for (const [what, facts] of Object.entries({
      'another token under the same fencing token': { ownerToken: acquireRequest().ownerToken },
      'the same token under another fencing token': { fencingToken: 1 },
    })) {
      test(`is lost with ${what}`, async (context) => {
        const lease = await acquireLease(context);
        for (const name of ['renew', 'checkpoint', 'complete', 'release as retryable'] as const) {
          const reply = await assertRecordUnchanged(context, () =>
            ownerCalls[name](context.store, { ...lease, ...facts }),
          );
          assert.equal(reply.kind, 'lost', name);
        }
      });
    }
  });
}
