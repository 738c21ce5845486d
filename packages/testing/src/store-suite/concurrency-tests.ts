// Suite: concurrent calls. Every operation reads and writes in one atomic step.
import assert from 'node:assert/strict';
import type { AcquireReply } from '@onceguard/core/store';
import type { StoreSuiteContext, StoreTestContext } from './suite-context.js';
import {
  acquireAbandonedLease,
  acquireLease,
  acquireRequest,
  completionOf,
  readRecord,
  replayedOutcome,
  withoutNow,
} from './test-helpers.js';

export function concurrencyTests({ describe, test, capabilities }: StoreSuiteContext): void {
  describe('concurrently', () => {
    test('100 acquisitions of one key: one is acquired, and 99 are in_progress', async (context) => {
      const replies = await callHundredTimes(context, (store) => store.acquire(context.key, acquireRequest()));
      assert.deepEqual(countKinds(replies), { acquired: 1, in_progress: 99 });
    });

    test('100 sends of one acquisition grant one attempt with one fencing token', async (context) => {
      const request = acquireRequest();
      const replies = await callHundredTimes(context, (store) => store.acquire(context.key, request));
      assert.deepEqual(countKinds(replies), { acquired: 100 });
      const attempts = replies.map((reply) =>
        reply.kind === 'acquired' ? `${reply.attempt} ${reply.fencingToken}` : '',
      );
      assert.equal(new Set(attempts).size, 1);
    });

    test('100 takeovers of an abandoned record: one is acquired', async (context) => {
      await acquireAbandonedLease(context);
      const replies = await callHundredTimes(context, (store) => store.acquire(context.key, acquireRequest()));
      assert.deepEqual(countKinds(replies), { acquired: 1, in_progress: 99 });
      assert.equal((await readRecord(context)).attempt, 2);
    });

    test('a complete of a paused owner and 100 takeovers: either the owner completes or one caller takes over', async (context) => {
      const lease = await acquireAbandonedLease(context);
      const completing = context.store.complete(lease, completionOf('paid'));
      const replies = await callHundredTimes(context, (store) => store.acquire(context.key, acquireRequest()));
      const { kind } = await completing;
      assert.deepEqual(countKinds(replies), kind === 'ok' ? { completed: 100 } : { acquired: 1, in_progress: 99 });
    });

    test('100 different outcomes of one owner: all are ok, and one of them is kept', async (context) => {
      const lease = await acquireLease(context);
      let sent = 0;
      const replies = await callHundredTimes(context, (store) =>
        store.complete(lease, completionOf(`outcome ${++sent}`)),
      );
      for (const reply of replies) assert.deepEqual(withoutNow(reply), { kind: 'ok' });
      const first = await replayedOutcome(context);
      assert.match(first, /^outcome \d+$/);
      assert.equal(await replayedOutcome(context), first);
    });

    test('100 acquisitions of different keys are all granted', async (context) => {
      let count = 0;
      const replies = await callHundredTimes(context, (store) =>
        store.acquire(`${context.key}-${++count}`, acquireRequest()),
      );
      assert.deepEqual(countKinds(replies), { acquired: 100 });
    });

    if (!capabilities.shared) return;

    test('another client works on the same records', async ({ store, peer, key }) => {
      const lease = await acquireLease({ store, key });
      assert.equal((await peer.acquire(key, acquireRequest())).kind, 'in_progress');
      await peer.complete(lease, completionOf('paid'));
      assert.equal(await replayedOutcome({ store, key }), 'paid');
    });
  });
}

/** Sends 100 calls, half of them through the peer, without waiting for a reply in between. */
function callHundredTimes<T>(
  { store, peer }: StoreTestContext,
  send: (store: StoreTestContext['store']) => Promise<T>,
): Promise<T[]> {
  return Promise.all(Array.from({ length: 100 }, (_, index) => send(index % 2 === 0 ? store : peer)));
}

function countKinds(replies: readonly AcquireReply[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of replies) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
