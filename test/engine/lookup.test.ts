// lookup: a record as people see it, in every state.
import { decodeResult, executeIdempotently, lookup, MemoryStore, recordName, resolveDoubt } from '@onceguard/core';
import { decodeResponse, encodeRecoveredResponse } from '@onceguard/core/http';
import { manualClock } from '@onceguard/testing';
import { describe, expect, test } from 'vitest';

function openStore() {
  const clock = manualClock();
  const store = new MemoryStore({ clock: clock.now });
  const call = { store, scope: 'alice', key: 'order-17', operation: 'charge', leaseMs: 1_000 } as const;
  return { clock, store, call, name: recordName(call), view: () => lookup(store, call) };
}

/** What an operation does, and then nothing more. */
const neverEnds = (_: unknown) => new Promise<never>(() => {});

describe('lookup', () => {
  test('is null where there is no record', async () => {
    expect(await openStore().view()).toBeNull();
  });

  test('shows completed work with its result, its times as dates, and its terms', async () => {
    const { clock, call, view, name } = openStore();
    const startedAt = clock.now();
    const run = async () => {
      clock.advance(500);
      return { charge: 'ch_1' };
    };
    await executeIdempotently(run, { ...call, label: 'order 17', ttlMs: 5_000, tombstoneMs: 9_000 });
    clock.advance(100);
    expect(await view()).toMatchObject({
      recordName: name,
      state: 'completed',
      operation: 'charge',
      label: 'order 17',
      attempt: 1,
      firstAcquiredAt: new Date(startedAt),
      acquiredAt: new Date(startedAt),
      completedAt: new Date(startedAt + 500),
      outcomeExpiresAt: new Date(startedAt + 5_500),
      expiresAt: new Date(startedAt + 9_500),
      readAt: new Date(startedAt + 600),
      leaseEndAt: null,
      ttlMs: 5_000,
      tombstoneMs: 9_000,
      outcome: { kind: 'result', value: { charge: 'ch_1' } },
      decisions: [],
    });
    clock.advance(5_000);
    expect(await view()).toMatchObject({ state: 'expired', outcome: null, outcomeExpiresAt: null });
  });

  test('shows a final error with its name, message and code', async () => {
    const { call, view } = openStore();
    const declined = Object.assign(new Error('declined'), { code: 'card_declined' });
    await executeIdempotently(() => Promise.reject(declined), { ...call, finalErrors: () => true }).catch(() => {});
    const outcome = (await view())?.outcome;
    expect(outcome).toMatchObject({ kind: 'error', error: { message: 'declined', code: 'card_declined' } });
  });

  test('shows steps with their results, and which one is in doubt with the key that the other system was given', async () => {
    const { clock, call, view } = openStore();
    const keys: string[] = [];
    const run = executeIdempotently(
      async ({ step }) => {
        await step('reserve', () => ({ seat: 4 }));
        await step('charge', ({ key }) => neverEnds(keys.push(key)), { atMostOnce: true });
      },
      { ...call, leaseMs: 60_000 },
    );
    await expect.poll(() => keys).toHaveLength(1);
    expect(await view()).toMatchObject({ state: 'in_progress', leaseEndAt: new Date(clock.now() + 60_000) });
    clock.advance(60_000);
    expect(await view()).toMatchObject({
      state: 'outcome_unknown',
      guarded: false,
      steps: [
        { name: 'reserve', state: 'done', result: { seat: 4 } },
        { name: 'charge', state: 'in_doubt', key: keys[0] },
      ],
    });
    void run;
  });

  test('shows abandoned work that runs again as abandoned, and guarded work as outcome_unknown', async () => {
    for (const [onAbandoned, state] of [
      ['rerun', 'abandoned'],
      ['block', 'outcome_unknown'],
    ] as const) {
      const { clock, call, view } = openStore();
      void executeIdempotently(() => new Promise(() => {}), { ...call, onAbandoned });
      await expect.poll(async () => (await view())?.state).toBe('in_progress');
      clock.advance(1_000);
      expect((await view())?.state).toBe(state);
    }
  });

  test('shows released and removed records', async () => {
    const { call, view, store, name } = openStore();
    await executeIdempotently(() => Promise.reject(new Error('no')), call).catch(() => {});
    expect(await view()).toMatchObject({ state: 'retryable', operation: 'charge', outcome: null });
    await store.remove(name);
    expect(await view()).toMatchObject({ state: 'removed', operation: '', acquiredAt: null, firstAcquiredAt: null });
  });

  test('shows who decided, why and when, after the completion too', async () => {
    const { clock, call, view, store, name } = openStore();
    await executeIdempotently(() => Promise.reject(new Error('no')), { ...call, onFailure: 'unknown' }).catch(() => {});
    expect((await view())?.state).toBe('outcome_unknown');
    const decidedAt = new Date(clock.now());
    await resolveDoubt(store, name, { as: 'done', result: 'ch_9', by: 'ada', reason: 'seen at the bank' });
    expect(await view()).toMatchObject({
      state: 'completed',
      outcome: { kind: 'result', value: 'ch_9' },
      decisions: [{ as: 'done', by: 'ada', reason: 'seen at the bank', at: decidedAt }],
    });
  });

  test('shows a response by what it is, even where payloads are not compared', async () => {
    const { call, view, store, name } = openStore();
    await executeIdempotently(() => Promise.reject(new Error('no')), { ...call, onFailure: 'unknown' }).catch(() => {});
    const outcome = encodeRecoveredResponse({ status: 201, headers: { 'X-A': ['1', '2'] }, body: '{"id":1}' });
    await resolveDoubt(store, name, { as: 'done', outcome, by: 'ada', reason: 'seen' });
    expect((await view())?.outcome).toEqual({
      kind: 'response',
      response: {
        status: 201,
        reason: null,
        headers: [['X-A', ['1', '2']]],
        removedHeaders: [],
        trailers: [],
        body: Buffer.from('{"id":1}'),
      },
    });
  });

  test('shows an outcome that cannot be read as unreadable, with the reason', async () => {
    const { call, store, name, view } = openStore();
    await executeIdempotently(() => 'ch_1', call);
    const read = store.read.bind(store);
    store.read = async (key) => {
      const reply = await read(key);
      reply.record?.outcome?.fill(0x20, 9);
      return reply;
    };
    expect((await view())?.outcome).toEqual({ kind: 'unreadable', reason: expect.stringContaining('checksum') });
    expect(name).toHaveLength(43);
  });

  test('takes the name of a record too, and refuses what names none', async () => {
    const { call, store, name } = openStore();
    await executeIdempotently(() => 'ch_1', call);
    expect(await lookup(store, name)).toEqual(await lookup(store, call));
    await expect(lookup(store, { scope: '', key: 'k' })).rejects.toMatchObject({ code: 'argument_invalid' });
    await expect(lookup({} as never, name)).rejects.toMatchObject({ code: 'option_invalid' });
  });
});

describe('decodeResult and decodeResponse', () => {
  test('refuse bytes that they cannot read', () => {
    for (const bytes of [Buffer.from('{'), Buffer.from([1, 2, 3]), Buffer.from('!{')])
      expect(() => decodeResult(bytes)).toThrow(expect.objectContaining({ code: 'outcome_invalid' }));
    for (const bytes of [Buffer.alloc(0), Buffer.from('{"a":1}'), Buffer.from([1, 0x7b])])
      expect(() => decodeResponse(bytes)).toThrow(expect.objectContaining({ code: 'outcome_invalid' }));
  });

  test('decode what was encoded', () => {
    expect(decodeResult(Buffer.from('"a"'))).toEqual({ kind: 'result', value: 'a' });
    expect(decodeResponse(encodeRecoveredResponse({ status: 204 }))).toMatchObject({ status: 204, headers: [] });
  });
});
