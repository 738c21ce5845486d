// Suite: checkpoint.
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
    test('keeps the first bytes of a seq, and replaces them for a higher one', async (context) => {
      const lease = await acquireLease(context);
      const written = [
        { seq: 0, text: 'intent', expected: '0:intent' },
        { seq: 0, text: 'late copy', expected: '0:intent' },
        { seq: 2, text: 'done', expected: '2:done' },
        { seq: 1, text: 'overtaken', expected: '2:done' },
        { seq: 2, text: 'again', expected: '2:done' },
      ];
      for (const { seq, text, expected } of written) {
        const reply = await context.store.checkpoint(lease, { step: 'charge', seq, bytes: Buffer.from(text) });
        assert.deepEqual(withoutNow(reply), { kind: 'ok' });
        assert.equal(await readStep(context, 'charge'), expected);
      }
    });

    test('keeps steps separate, and returns all of them to the next attempt', async (context) => {
      const { store, key } = context;
      const lease = await acquireLease(context);
      for (const step of ['charge', 'mail', '__proto__', 'a:b/c#1']) {
        await store.checkpoint(lease, { step, seq: 1, bytes: Buffer.from(step) });
      }
      await store.release(lease, { as: 'retryable' });
      const { steps } = assertAcquired(await store.acquire(key, acquireRequest()));
      assert.deepEqual([...steps.keys()].sort(), ['__proto__', 'a:b/c#1', 'charge', 'mail']);
      for (const [step, { bytes }] of steps) assert.equal(Buffer.from(bytes).toString(), step);
    });

    test('still counts after the end of the lease, unless somebody took over', async (context) => {
      const lease = await acquireAbandonedLease(context);
      await context.store.checkpoint(lease, { step: 'charge', seq: 1, bytes: Buffer.from('ch_1') });
      assert.equal(await readStep(context, 'charge'), '1:ch_1');
    });

    for (const end of ['complete', 'release'] as const) {
      test(`is lost after the owner’s own ${end}`, async (context) => {
        const lease = await acquireLease(context);
        if (end === 'complete') await context.store.complete(lease, completionOf('paid'));
        else await context.store.release(lease, { as: 'retryable' });
        const checkpoint = { step: 'late', seq: 1, bytes: Buffer.from('x') };
        const reply = await assertRecordUnchanged(context, () => context.store.checkpoint(lease, checkpoint));
        assert.deepEqual(withoutNow(reply), { kind: 'lost' });
      });
    }

    test('is gone if the store lost the record or kept an older copy, and writes nothing', async (context) => {
      for (const hasOlderCopy of [false, true]) {
        if (hasOlderCopy) await acquireLease(context);
        const lease = await leaseOnLostRecord(context);
        const checkpoint = { step: 'charge', seq: 1, bytes: Buffer.from('x') };
        const reply = await assertRecordUnchanged(context, () => context.store.checkpoint(lease, checkpoint));
        assert.deepEqual(withoutNow(reply), { kind: 'gone' });
      }
    });
  });
}

async function readStep(context: StoreTestContext, step: string): Promise<string> {
  const entry = (await readRecord(context)).steps.get(step);
  return entry === undefined ? 'nothing' : `${entry.seq}:${Buffer.from(entry.bytes).toString()}`;
}
