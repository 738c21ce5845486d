// The suite: many at once. Nothing comes between the reading and the writing of a verb.
import assert from 'node:assert/strict';
import type { AcquireAnswer } from '@onceguard/core/store';
import type { Bench, Contract } from './contract.js';
import { abandon, completionOf, own, recordOf, replayed, request, said } from './requests.js';

export function concurrency({ describe, test, capabilities }: Contract): void {
  describe('at the same time', () => {
    test('100 acquisitions of one key: exactly one is acquired, and 99 are told in_progress', async (bench) => {
      const answers = await hundred(bench, (store) => store.acquire(bench.key, request()));
      assert.deepEqual(counted(answers), { acquired: 1, in_progress: 99 });
    });

    test('100 sends of one acquisition are one attempt under one fencing token', async (bench) => {
      const asked = request();
      const answers = await hundred(bench, (store) => store.acquire(bench.key, asked));
      assert.deepEqual(counted(answers), { acquired: 100 });
      const fences = answers.map((answer) => (answer.kind === 'acquired' ? `${answer.attempt} ${answer.fence}` : ''));
      assert.equal(new Set(fences).size, 1);
    });

    test('100 takeovers of an abandoned record: exactly one is acquired', async (bench) => {
      await abandon(bench);
      const answers = await hundred(bench, (store) => store.acquire(bench.key, request()));
      assert.deepEqual(counted(answers), { acquired: 1, in_progress: 99 });
      assert.equal((await recordOf(bench)).attempt, 2);
    });

    test('an owner that was paused and 99 takeovers: the record is one’s alone', async (bench) => {
      const lease = await abandon(bench);
      const completing = bench.store.complete(lease, completionOf('paid'));
      const answers = await hundred(bench, (store) => store.acquire(bench.key, request()));
      const { kind } = await completing;
      assert.deepEqual(counted(answers), kind === 'ok' ? { completed: 100 } : { acquired: 1, in_progress: 99 });
    });

    test('100 different outcomes of one owner: all are ok, and one of them stands for good', async (bench) => {
      const lease = await own(bench);
      let sent = 0;
      const answers = await hundred(bench, (store) => store.complete(lease, completionOf(`outcome ${++sent}`)));
      for (const answer of answers) assert.deepEqual(said(answer), { kind: 'ok' });
      const first = await replayed(bench);
      assert.match(first, /^outcome \d+$/);
      assert.equal(await replayed(bench), first);
    });

    test('100 keys do not disturb each other', async (bench) => {
      let count = 0;
      const answers = await hundred(bench, (store) => store.acquire(`${bench.key}-${++count}`, request()));
      assert.deepEqual(counted(answers), { acquired: 100 });
    });

    if (!capabilities.shared) return;

    test('another client sees the same records', async ({ store, peer, key }) => {
      const lease = await own({ store, key });
      assert.equal((await peer.acquire(key, request())).kind, 'in_progress');
      await peer.complete(lease, completionOf('paid'));
      assert.equal(await replayed({ store, key }), 'paid');
    });
  });
}

/** Half of them by the peer, all before any is answered. */
function hundred<T>({ store, peer }: Bench, send: (store: Bench['store']) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: 100 }, (_, at) => send(at % 2 === 0 ? store : peer)));
}

function counted(answers: readonly AcquireAnswer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of answers) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
