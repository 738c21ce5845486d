// The suite: bytes come back as they were, whatever they are.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Lease } from '@onceguard/core/store';
import type { StoreSuiteContext, StoreTestContext } from './suite-context.js';
import {
  acquireLease,
  acquireRequest,
  assertAcquired,
  completionOf,
  readRecord,
  resolveRequest,
} from './test-helpers.js';

const sharedBuffer = Buffer.from('before|the middle|after');

const samples: Readonly<Record<string, () => Uint8Array>> = {
  'no bytes at all': () => new Uint8Array(0),
  'all 256 of them': () => Uint8Array.from({ length: 256 }, (_, at) => at),
  'all of ASCII': () => Uint8Array.from({ length: 128 }, (_, at) => at),
  '20 kB of ASCII': () => Buffer.alloc(20_000, 'paid, '),
  'text in UTF-8': () => Buffer.from('payé, 払った'),
  'a lone NUL': () => Uint8Array.of(0),
  'text that is no UTF-8': () => Buffer.from('ff fe 00 0d 0a 80'.replaceAll(' ', ''), 'hex'),
  'what reads as a number': () => Buffer.from('0'),
  'what reads as null': () => Buffer.from('null'),
  'a part of a larger buffer': () => sharedBuffer.subarray(7, 17),
  '2 MB of noise': () => randomBytes(2_000_000),
};

export function byteFidelityTests({ describe, test }: StoreSuiteContext): void {
  describe('bytes', () => {
    for (const [what, sample] of Object.entries(samples)) {
      test(`are exact in outcomes and steps: ${what}`, async (bench) => {
        const { store, key } = bench;
        const sent = sample();
        const lease = await acquireLease(bench);
        await store.checkpoint(lease, { step: 'charge', seq: 1, bytes: sent });
        await store.release(lease, { as: 'retryable' });
        const asked = acquireRequest();
        const next = assertAcquired(await store.acquire(key, asked));
        assertSameBytes(next.steps.get('charge')?.bytes, sent);
        await store.complete({ ...lease, ...next, ownerToken: asked.ownerToken }, completionOf('', { outcome: sent }));
        const answer = await store.acquire(key, acquireRequest());
        assert.ok(answer.kind === 'completed', 'an empty outcome is an outcome');
        assertSameBytes(answer.outcome, sent);
        assertSameBytes((await readRecord(bench)).outcome, sent);
      });
    }

    test('are exact in what resolve records', async (bench) => {
      const lease = await acquireLease(bench);
      await bench.store.release(lease, { as: 'unknown', retryAfterMs: null, note: null });
      const sent = randomBytes(1_000);
      await bench.store.resolve(bench.key, resolveRequest(lease.fencingToken, { as: 'done', outcome: sent }));
      assertSameBytes((await readRecord(bench)).outcome, sent);
    });

    test('are the store’s own: changing what was sent or answered changes no step', async (bench) => {
      const { store, key } = bench;
      const lease = await acquireLease(bench);
      const sent = Buffer.from('step');
      await store.checkpoint(lease, { step: 'charge', seq: 1, bytes: sent });
      sent.fill(0);
      for (let round = 0; round < 2; round += 1) {
        const answers = [
          assertAcquired(await store.acquire(key, acquireRequest({ ownerToken: lease.ownerToken }))),
          await readRecord(bench),
        ];
        for (const { steps } of answers) {
          const held = steps.get('charge')?.bytes;
          assertSameBytes(held, Buffer.from('step'));
          held?.fill(0);
        }
      }
    });

    for (const verb of ['complete', 'resolve'] as const) {
      test(`are the store’s own: changing what was sent or answered changes no outcome of ${verb}`, async (bench) => {
        const { store, key } = bench;
        const lease = await acquireLease(bench);
        const sent = Buffer.from('paid');
        if (verb === 'complete') {
          await store.complete(lease, completionOf('', { outcome: sent }));
        } else {
          await store.release(lease, { as: 'unknown', retryAfterMs: null, note: null });
          await store.resolve(key, resolveRequest(lease.fencingToken, { as: 'done', outcome: sent }));
        }
        sent.fill(0);
        for (let round = 0; round < 2; round += 1) {
          for (const outcome of await readOutcomes(bench, lease)) {
            assertSameBytes(outcome, Buffer.from('paid'));
            outcome?.fill(0);
          }
        }
      });
    }

    test('and texts keep every character: notes, names, reasons', async (bench) => {
      const lease = await acquireLease(bench);
      const text = 'a "quoted" line\nßü 日本語 🧾 \\ end';
      await bench.store.release(lease, { as: 'unknown', retryAfterMs: null, note: text });
      assert.equal((await readRecord(bench)).note, text);
      await bench.store.resolve(
        bench.key,
        resolveRequest(lease.fencingToken, { as: 'done', note: text, by: text, reason: text }),
      );
      const { note, decisions } = await readRecord(bench);
      assert.deepEqual([note, decisions[0]?.by, decisions[0]?.reason], [text, text, text]);
    });
  });
}

/** The outcome of a completed record, as every verb that answers it does. */
async function readOutcomes({ store, key }: StoreTestContext, lease: Lease): Promise<(Uint8Array | null)[]> {
  const replay = await store.acquire(key, acquireRequest());
  const { record } = await store.read(key);
  const page = await store.scan({ cursor: null, limit: 100 });
  const lost = await store.complete({ ...lease, fencingToken: 1 }, completionOf('late'));
  const conflict = await store.resolve(key, resolveRequest(1));
  assert.ok(replay.kind === 'completed' && record !== null);
  assert.ok(lost.kind === 'lost' && lost.standing.kind === 'completed');
  assert.ok(conflict.kind === 'conflict' && conflict.standing.kind === 'completed');
  const scanned = page.records.map((found) => found.record.outcome);
  return [replay.outcome, record.outcome, ...scanned, lost.standing.outcome, conflict.standing.outcome];
}

function assertSameBytes(actual: Uint8Array | null | undefined, expected: Uint8Array): void {
  assert.ok(actual instanceof Uint8Array, 'bytes are answered as a Uint8Array');
  assert.ok(Buffer.compare(actual, expected) === 0, `${actual.length} bytes equal the ${expected.length} sent`);
}
