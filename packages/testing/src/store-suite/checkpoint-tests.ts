// The suite: checkpoint.
import assert from 'node:assert/strict';
import type { StoreSuiteContext, StoreTestContext } from './suite-context.js';
import {
  acquireAbandonedLease,
  acquireLease,
  acquireRequest,
  assertAcquired,
  assertRecordUnchanged,
  completionOf,
  leaseOnLostRecord,
  readRecord,
  withoutNow,
} from './test-helpers.js';

export function checkpointTests({ describe, test }: StoreSuiteContext): void {
  describe('checkpoint', () => {
    test('keeps the first bytes of a seq, and replaces them for a higher one', async (bench) => {
      const lease = await acquireLease(bench);
      const written = [
        { seq: 0, text: 'intent', holds: '0:intent' },
        { seq: 0, text: 'late copy', holds: '0:intent' },
        { seq: 2, text: 'done', holds: '2:done' },
        { seq: 1, text: 'overtaken', holds: '2:done' },
        { seq: 2, text: 'again', holds: '2:done' },
      ];
      for (const { seq, text, holds } of written) {
        const answer = await bench.store.checkpoint(lease, { step: 'charge', seq, bytes: Buffer.from(text) });
        assert.deepEqual(withoutNow(answer), { kind: 'ok' });
        assert.equal(await readStep(bench, 'charge'), holds);
      }
    });

    test('keeps steps apart, and hands all of them to the next attempt', async (bench) => {
      const { store, key } = bench;
      const lease = await acquireLease(bench);
      for (const step of ['charge', 'mail', '__proto__', 'a:b/c#1']) {
        await store.checkpoint(lease, { step, seq: 1, bytes: Buffer.from(step) });
      }
      await store.release(lease, { as: 'retryable' });
      const { steps } = assertAcquired(await store.acquire(key, acquireRequest()));
      assert.deepEqual([...steps.keys()].sort(), ['__proto__', 'a:b/c#1', 'charge', 'mail']);
      for (const [step, { bytes }] of steps) assert.equal(Buffer.from(bytes).toString(), step);
    });

    test('still counts after the lease is over, as long as nobody took over', async (bench) => {
      const lease = await acquireAbandonedLease(bench);
      await bench.store.checkpoint(lease, { step: 'charge', seq: 1, bytes: Buffer.from('ch_1') });
      assert.equal(await readStep(bench, 'charge'), '1:ch_1');
    });

    for (const end of ['complete', 'release'] as const) {
      test(`is lost after the own ${end}`, async (bench) => {
        const lease = await acquireLease(bench);
        if (end === 'complete') await bench.store.complete(lease, completionOf('paid'));
        else await bench.store.release(lease, { as: 'retryable' });
        const point = { step: 'late', seq: 1, bytes: Buffer.from('x') };
        const answer = await assertRecordUnchanged(bench, () => bench.store.checkpoint(lease, point));
        assert.deepEqual(withoutNow(answer), { kind: 'lost' });
      });
    }

    test('is gone where the store lost the record or kept an older copy, and writes nothing', async (bench) => {
      for (const older of [false, true]) {
        if (older) await acquireLease(bench);
        const lease = await leaseOnLostRecord(bench);
        const point = { step: 'charge', seq: 1, bytes: Buffer.from('x') };
        const answer = await assertRecordUnchanged(bench, () => bench.store.checkpoint(lease, point));
        assert.deepEqual(withoutNow(answer), { kind: 'gone' });
      }
    });
  });
}

async function readStep(bench: StoreTestContext, step: string): Promise<string> {
  const entry = (await readRecord(bench)).steps.get(step);
  return entry === undefined ? 'nothing' : `${entry.seq}:${Buffer.from(entry.bytes).toString()}`;
}
