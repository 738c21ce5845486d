// The suite: many at once. Nothing comes between the reading and the writing of a verb.
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
  describe('at the same time', () => {
    test('100 acquisitions of one key: exactly one is acquired, and 99 are told in_progress', async (bench) => {
      const answers = await callHundredTimes(bench, (store) => store.acquire(bench.key, acquireRequest()));
      assert.deepEqual(countKinds(answers), { acquired: 1, in_progress: 99 });
    });

    test('100 sends of one acquisition are one attempt under one fencing token', async (bench) => {
      const asked = acquireRequest();
      const answers = await callHundredTimes(bench, (store) => store.acquire(bench.key, asked));
      assert.deepEqual(countKinds(answers), { acquired: 100 });
      const fences = answers.map((answer) =>
        answer.kind === 'acquired' ? `${answer.attempt} ${answer.fencingToken}` : '',
      );
      assert.equal(new Set(fences).size, 1);
    });

    test('100 takeovers of an abandoned record: exactly one is acquired', async (bench) => {
      await acquireAbandonedLease(bench);
      const answers = await callHundredTimes(bench, (store) => store.acquire(bench.key, acquireRequest()));
      assert.deepEqual(countKinds(answers), { acquired: 1, in_progress: 99 });
      assert.equal((await readRecord(bench)).attempt, 2);
    });

    test('an owner that was paused and 99 takeovers: the record is one’s alone', async (bench) => {
      const lease = await acquireAbandonedLease(bench);
      const completing = bench.store.complete(lease, completionOf('paid'));
      const answers = await callHundredTimes(bench, (store) => store.acquire(bench.key, acquireRequest()));
      const { kind } = await completing;
      assert.deepEqual(countKinds(answers), kind === 'ok' ? { completed: 100 } : { acquired: 1, in_progress: 99 });
    });

    test('100 different outcomes of one owner: all are ok, and one of them stands for good', async (bench) => {
      const lease = await acquireLease(bench);
      let sent = 0;
      const answers = await callHundredTimes(bench, (store) =>
        store.complete(lease, completionOf(`outcome ${++sent}`)),
      );
      for (const answer of answers) assert.deepEqual(withoutNow(answer), { kind: 'ok' });
      const first = await replayedOutcome(bench);
      assert.match(first, /^outcome \d+$/);
      assert.equal(await replayedOutcome(bench), first);
    });

    test('100 keys do not disturb each other', async (bench) => {
      let count = 0;
      const answers = await callHundredTimes(bench, (store) =>
        store.acquire(`${bench.key}-${++count}`, acquireRequest()),
      );
      assert.deepEqual(countKinds(answers), { acquired: 100 });
    });

    if (!capabilities.shared) return;

    test('another client sees the same records', async ({ store, peer, key }) => {
      const lease = await acquireLease({ store, key });
      assert.equal((await peer.acquire(key, acquireRequest())).kind, 'in_progress');
      await peer.complete(lease, completionOf('paid'));
      assert.equal(await replayedOutcome({ store, key }), 'paid');
    });
  });
}

/** Half of them by the peer, all before any is answered. */
function callHundredTimes<T>(
  { store, peer }: StoreTestContext,
  send: (store: StoreTestContext['store']) => Promise<T>,
): Promise<T[]> {
  return Promise.all(Array.from({ length: 100 }, (_, at) => send(at % 2 === 0 ? store : peer)));
}

function countKinds(answers: readonly AcquireReply[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of answers) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
