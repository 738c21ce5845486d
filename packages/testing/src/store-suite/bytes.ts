// The suite: bytes come back as they were, whatever they are.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Lease } from '@onceguard/core/store';
import type { Bench, Contract } from './contract.js';
import { completionOf, decision, granted, own, recordOf, request } from './requests.js';

const pool = Buffer.from('before|the middle|after');

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
  'a part of a larger buffer': () => pool.subarray(7, 17),
  '2 MB of noise': () => randomBytes(2_000_000),
};

export function bytes({ describe, test }: Contract): void {
  describe('bytes', () => {
    for (const [what, sample] of Object.entries(samples)) {
      test(`are exact in outcomes and steps: ${what}`, async (bench) => {
        const { store, key } = bench;
        const sent = sample();
        const lease = await own(bench);
        await store.checkpoint(lease, { step: 'charge', seq: 1, bytes: sent });
        await store.release(lease, { as: 'retryable' });
        const asked = request();
        const next = granted(await store.acquire(key, asked));
        same(next.steps.get('charge')?.bytes, sent);
        await store.complete({ ...lease, ...next, token: asked.token }, completionOf('', { outcome: sent }));
        const answer = await store.acquire(key, request());
        assert.ok(answer.kind === 'completed', 'an empty outcome is an outcome');
        same(answer.outcome, sent);
        same((await recordOf(bench)).outcome, sent);
      });
    }

    test('are exact in what resolve records', async (bench) => {
      const lease = await own(bench);
      await bench.store.release(lease, { as: 'unknown', retryAfterMs: null, note: null });
      const sent = randomBytes(1_000);
      await bench.store.resolve(bench.key, decision(lease.fence, { as: 'done', outcome: sent }));
      same((await recordOf(bench)).outcome, sent);
    });

    test('are the store’s own: changing what was sent or answered changes no step', async (bench) => {
      const { store, key } = bench;
      const lease = await own(bench);
      const sent = Buffer.from('step');
      await store.checkpoint(lease, { step: 'charge', seq: 1, bytes: sent });
      sent.fill(0);
      for (let round = 0; round < 2; round += 1) {
        const answers = [granted(await store.acquire(key, request({ token: lease.token }))), await recordOf(bench)];
        for (const { steps } of answers) {
          const held = steps.get('charge')?.bytes;
          same(held, Buffer.from('step'));
          held?.fill(0);
        }
      }
    });

    for (const verb of ['complete', 'resolve'] as const) {
      test(`are the store’s own: changing what was sent or answered changes no outcome of ${verb}`, async (bench) => {
        const { store, key } = bench;
        const lease = await own(bench);
        const sent = Buffer.from('paid');
        if (verb === 'complete') {
          await store.complete(lease, completionOf('', { outcome: sent }));
        } else {
          await store.release(lease, { as: 'unknown', retryAfterMs: null, note: null });
          await store.resolve(key, decision(lease.fence, { as: 'done', outcome: sent }));
        }
        sent.fill(0);
        for (let round = 0; round < 2; round += 1) {
          for (const outcome of await answered(bench, lease)) {
            same(outcome, Buffer.from('paid'));
            outcome?.fill(0);
          }
        }
      });
    }

    test('and texts keep every character: notes, names, reasons', async (bench) => {
      const lease = await own(bench);
      const text = 'a "quoted" line\nßü 日本語 🧾 \\ end';
      await bench.store.release(lease, { as: 'unknown', retryAfterMs: null, note: text });
      assert.equal((await recordOf(bench)).note, text);
      await bench.store.resolve(bench.key, decision(lease.fence, { as: 'done', note: text, by: text, reason: text }));
      const { note, decisions } = await recordOf(bench);
      assert.deepEqual([note, decisions[0]?.by, decisions[0]?.reason], [text, text, text]);
    });
  });
}

/** The outcome of a completed record, as every verb that answers it does. */
async function answered({ store, key }: Bench, lease: Lease): Promise<(Uint8Array | null)[]> {
  const replay = await store.acquire(key, request());
  const { record } = await store.read(key);
  const page = await store.scan({ cursor: null, limit: 100 });
  const lost = await store.complete({ ...lease, fence: 1 }, completionOf('late'));
  const conflict = await store.resolve(key, decision(1));
  assert.ok(replay.kind === 'completed' && record !== null);
  assert.ok(lost.kind === 'lost' && lost.standing.kind === 'completed');
  assert.ok(conflict.kind === 'conflict' && conflict.standing.kind === 'completed');
  const scanned = page.records.map((found) => found.record.outcome);
  return [replay.outcome, record.outcome, ...scanned, lost.standing.outcome, conflict.standing.outcome];
}

function same(actual: Uint8Array | null | undefined, expected: Uint8Array): void {
  assert.ok(actual instanceof Uint8Array, 'bytes are answered as a Uint8Array');
  assert.ok(Buffer.compare(actual, expected) === 0, `${actual.length} bytes equal the ${expected.length} sent`);
}
