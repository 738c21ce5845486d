// Suite: a store returns every byte exactly as it was written.
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
  'no bytes': () => new Uint8Array(0),
  'all 256 values': () => Uint8Array.from({ length: 256 }, (_, index) => index),
  'all of ASCII': () => Uint8Array.from({ length: 128 }, (_, index) => index),
  '20 kB of ASCII': () => Buffer.alloc(20_000, 'paid, '),
  'text in UTF-8': () => Buffer.from('payé, 払った'),
  'a lone NUL': () => Uint8Array.of(0),
  'bytes that are not valid UTF-8': () => Buffer.from('ff fe 00 0d 0a 80'.replaceAll(' ', ''), 'hex'),
  'the text of a number': () => Buffer.from('0'),
  'the text null': () => Buffer.from('null'),
  'a part of a larger buffer': () => sharedBuffer.subarray(7, 17),
  '2 MB of random bytes': () => randomBytes(2_000_000),
};

export function byteFidelityTests(suite: StoreSuiteContext): void {
  suite.describe('bytes', () => {
    exactBytesTests(suite);
    copiedBytesTests(suite);
    exactTextsTests(suite);
    exactKeysTest(suite);
  });
}

function exactKeysTest({ test }: StoreSuiteContext): void {
  test('of a key are exact: keys that differ only in case are two records', async ({ store }) => {
    const [lower, upper] = ['order-a', 'ORDER-A'];
    await store.complete(await acquireLease({ store, key: lower }), completionOf('of the first'));
    assertAcquired(await store.acquire(upper, acquireRequest()));
    assert.equal((await store.acquire(lower, acquireRequest())).kind, 'completed');
  });
}

function exactBytesTests({ test }: StoreSuiteContext): void {
  for (const [what, sample] of Object.entries(samples)) {
    test(`are exact in outcomes and steps: ${what}`, async (context) => {
      const { store, key } = context;
      const sent = sample();
      const lease = await acquireLease(context);
      await store.checkpoint(lease, { step: 'charge', seq: 1, bytes: sent });
      await store.release(lease, { as: 'retryable' });
      const request = acquireRequest();
      const next = assertAcquired(await store.acquire(key, request));
      assertSameBytes(next.steps.get('charge')?.bytes, sent);
      await store.complete({ ...lease, ...next, ownerToken: request.ownerToken }, completionOf('', { outcome: sent }));
      const reply = await store.acquire(key, acquireRequest());
      assert.ok(reply.kind === 'completed', 'an empty outcome is an outcome');
      assertSameBytes(reply.outcome, sent);
      assertSameBytes((await readRecord(context)).outcome, sent);
    });
  }

  test('are exact in an outcome that resolve records', async (context) => {
    const lease = await acquireLease(context);
    await context.store.release(lease, { as: 'unknown', retryAfterMs: null, note: null });
    const sent = randomBytes(1_000);
    await context.store.resolve(context.key, resolveRequest(lease.fencingToken, { as: 'done', outcome: sent }));
    assertSameBytes((await readRecord(context)).outcome, sent);
  });
}

function copiedBytesTests({ test }: StoreSuiteContext): void {
  test('are copied: changing the bytes that were passed in or returned changes no step', async (context) => {
    const { store, key } = context;
    const lease = await acquireLease(context);
    const sent = Buffer.from('step');
    await store.checkpoint(lease, { step: 'charge', seq: 1, bytes: sent });
    sent.fill(0);
    for (let round = 0; round < 2; round += 1) {
      const replies = [
        assertAcquired(await store.acquire(key, acquireRequest({ ownerToken: lease.ownerToken }))),
        await readRecord(context),
      ];
      for (const { steps } of replies) {
        const bytes = steps.get('charge')?.bytes;
        assertSameBytes(bytes, Buffer.from('step'));
        bytes?.fill(0);
      }
    }
  });

  for (const verb of ['complete', 'resolve'] as const) {
    test(`are copied: changing the bytes that were passed in or returned changes no outcome of ${verb}`, async (context) => {
      const { store, key } = context;
      const lease = await acquireLease(context);
      const sent = Buffer.from('paid');
      if (verb === 'complete') {
        await store.complete(lease, completionOf('', { outcome: sent }));
      } else {
        await store.release(lease, { as: 'unknown', retryAfterMs: null, note: null });
        await store.resolve(key, resolveRequest(lease.fencingToken, { as: 'done', outcome: sent }));
      }
      sent.fill(0);
      for (let round = 0; round < 2; round += 1) {
        for (const outcome of await readOutcomes(context, lease)) {
          assertSameBytes(outcome, Buffer.from('paid'));
          outcome?.fill(0);
        }
      }
    });
  }
}

function exactTextsTests({ test }: StoreSuiteContext): void {
  test('of texts are exact: every character of notes, names and reasons is kept', async (context) => {
    const lease = await acquireLease(context);
    const text = 'a "quoted" line\nßü 日本語 🧾 \\ end';
    await context.store.release(lease, { as: 'unknown', retryAfterMs: null, note: text });
    assert.equal((await readRecord(context)).note, text);
    await context.store.resolve(
      context.key,
      resolveRequest(lease.fencingToken, { as: 'done', note: text, by: text, reason: text }),
    );
    const { note, decisions } = await readRecord(context);
    assert.deepEqual([note, decisions[0]?.by, decisions[0]?.reason], [text, text, text]);
  });
}

/** The outcome of a completed record, from every operation that returns it. */
async function readOutcomes({ store, key }: StoreTestContext, lease: Lease): Promise<(Uint8Array | null)[]> {
  const replay = await store.acquire(key, acquireRequest());
  const { record } = await store.read(key);
  const page = await store.scan({ cursor: null, limit: 100 });
  const lost = await store.complete({ ...lease, fencingToken: 1 }, completionOf('late'));
  const conflict = await store.resolve(key, resolveRequest(1));
  assert.ok(replay.kind === 'completed' && record !== null);
  assert.ok(lost.kind === 'lost' && lost.standing.kind === 'completed');
  assert.ok(conflict.kind === 'conflict' && conflict.standing.kind === 'completed');
  const scanned = page.records.map(({ record: scannedRecord }) => scannedRecord.outcome);
  return [replay.outcome, record.outcome, ...scanned, lost.standing.outcome, conflict.standing.outcome];
}

function assertSameBytes(actual: Uint8Array | null | undefined, expected: Uint8Array): void {
  assert.ok(actual instanceof Uint8Array, 'bytes are returned as a Uint8Array');
  assert.ok(Buffer.compare(actual, expected) === 0, `${actual.length} bytes equal the ${expected.length} sent`);
}
