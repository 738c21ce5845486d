// Records whose bytes were changed: the caller gets a typed error, and nothing runs or is replayed, whatever the options say.
import {
  drainStore,
  executeIdempotently,
  type IdempotencyStore,
  listDoubts,
  onEvent,
  resolveDoubt,
} from '@onceguard/core';
import type { FaultRule, FaultStore } from '@onceguard/testing';
import { expect, it } from 'vitest';
import { abandonWork, blockPolicy, callOptions, reserveAndCharge, vanishWhileCharging } from './abandoned-work.js';
import { summarize } from './execution-summary.js';
import { onEveryStore, recordNameIn, stateAfterDrain } from './store-testbed.js';

type Acquire = Awaited<ReturnType<IdempotencyStore['acquire']>>;

const withFlippedBit = (bytes: Uint8Array, at: number) => {
  const changed = Buffer.from(bytes);
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
};

/** The store's reply to `acquire`, as `change` modifies it. */
function withChangedReply(change: (reply: Acquire) => Partial<Acquire> | Record<string, unknown>): FaultRule {
  return async (pass) => {
    const reply = (await pass()) as unknown as Acquire;
    return { ...reply, ...change(reply) } as never;
  };
}

const damages: Record<string, (bytes: Uint8Array) => Uint8Array> = {
  'one bit of the checksum': (bytes) => withFlippedBit(bytes, 0),
  'one bit of the value': (bytes) => withFlippedBit(bytes, bytes.byteLength - 1),
  'cut off': (bytes) => bytes.subarray(0, -1),
  'all gone': () => Buffer.alloc(0),
  'one byte more': (bytes) => Buffer.concat([bytes, Buffer.from(' ')]),
  'the value alone': (bytes) => bytes.subarray(8),
};

onEveryStore('A record whose bytes were changed', (open) => {
  it.each(Object.entries(damages))('is not replayed and not run again: the outcome, %s', async (_, change) => {
    const { store } = open();
    await executeIdempotently(() => 12, callOptions(store));
    store.injectFault(
      'acquire',
      withChangedReply((answer) => (answer.kind === 'completed' ? { outcome: change(answer.outcome) } : {})),
    );
    const errors: unknown[] = [];
    const stop = onEvent('store_error', (event) => errors.push(event));
    for (const onStoreUnavailable of ['reject', 'bypass'] as const) {
      const again = executeIdempotently(
        () => expect.unreachable('It runs again.'),
        callOptions(store, { onStoreUnavailable }),
      );
      await expect(again).rejects.toMatchObject({ name: 'StoreError', class: 'damaged', code: 'record_damaged' });
    }
    stop();
    expect(errors).toMatchObject([{ recordName: recordNameIn(store), class: 'damaged' }, { class: 'damaged' }]);
    store.clearFaults();
    expect(await summarize(executeIdempotently(() => 13, callOptions(store)))).toBe('12, replayed');
  });

  it('is not replayed under another name', async () => {
    const { store } = open();
    await executeIdempotently(() => 12, callOptions(store));
    const { outcome } = (await store.inner.read(recordNameIn(store))).record ?? {};
    await executeIdempotently(() => 13, callOptions(store, { key: 'order-2' }));
    store.injectFault(
      'acquire',
      withChangedReply((answer) => (answer.kind === 'completed' ? { outcome } : {})),
    );
    expect(await summarize(executeIdempotently(() => 14, callOptions(store, { key: 'order-2' })))).toBe(
      'record_damaged',
    );
    expect(await summarize(executeIdempotently(() => 14, callOptions(store)))).toBe('12, replayed');
  });

  it.each(Object.entries(damages))('does not run: a step, %s', async (_, change) => {
    const { store } = open();
    await abandonWork(store, vanishWhileCharging);
    damageStep(store, ({ bytes, seq }) => ({ seq, bytes: change(bytes) }));
    await isGivenBack(store);
  });

  it('does not run: the number of a step, which says whether it is in doubt', async () => {
    const { store } = open();
    await abandonWork(store, vanishWhileCharging);
    damageStep(store, ({ bytes, seq }) => ({ seq: seq + 1, bytes }));
    await isGivenBack(store);
  });

  it('does not run: the name of a step', async () => {
    const { store } = open();
    await abandonWork(store, vanishWhileCharging);
    const renamed = withChangedReply((answer) =>
      answer.kind === 'acquired'
        ? { steps: new Map([...answer.steps].map(([name, entry]) => [`${name}x`, entry])) }
        : {},
    );
    store.injectFault('acquire', renamed);
    await isGivenBack(store);
  });

  it('can be decided to be done, and not to be not done, where a step is damaged', async () => {
    const { store } = open();
    await abandonWork(store, vanishWhileCharging, blockPolicy);
    store.injectFault('read', async (pass) => {
      const { record, ...rest } = (await pass()) as unknown as Awaited<ReturnType<IdempotencyStore['read']>>;
      const steps = new Map(
        [...(record?.steps ?? [])].map(([name, { seq, bytes }]) => [name, { seq: seq + 1, bytes }]),
      );
      return { ...rest, record: record && { ...record, steps } } as never;
    });
    const why = { by: 'Ada', reason: 'asked the bank' };
    const notDone = resolveDoubt(store, recordNameIn(store), { as: 'not_done', ...why });
    await expect(notDone).rejects.toMatchObject({ code: 'record_damaged' });
    expect(await resolveDoubt(store, recordNameIn(store), { as: 'done', result: 'paid', ...why })).toMatchObject({
      kind: 'ok',
    });
    expect(await summarize(executeIdempotently(reserveAndCharge, callOptions(store)))).toBe('paid, replayed');
  });

  it('is told as its value to somebody who decides too late, and not with its checksum', async () => {
    const { store } = open();
    await executeIdempotently(() => 12, callOptions(store));
    const late = await resolveDoubt(store, recordNameIn(store), {
      as: 'done',
      by: 'Ada',
      reason: 'asked',
      fencingToken: 1,
    });
    expect(late).toMatchObject({ kind: 'conflict', standing: { outcome: Buffer.from('12') } });
  });

  function damageStep(store: FaultStore, change: (entry: { seq: number; bytes: Uint8Array }) => unknown): void {
    store.injectFault(
      'acquire',
      withChangedReply((answer) =>
        answer.kind === 'acquired'
          ? { steps: new Map([...answer.steps].map(([name, entry]) => [name, change(entry)])) }
          : {},
      ),
    );
  }

  /** The lease is not kept, and the next attempt continues from the recorded steps. */
  async function isGivenBack(store: FaultStore): Promise<void> {
    for (const onStoreUnavailable of ['reject', 'bypass'] as const) {
      const again = executeIdempotently(
        () => expect.unreachable('It runs again.'),
        callOptions(store, { onStoreUnavailable }),
      );
      await expect(again).rejects.toMatchObject({ class: 'damaged', code: 'record_damaged' });
      // The lease is released in the background; the next attempt would still find it.
      await drainStore(store);
    }
    store.clearFaults();
    expect(await stateAfterDrain(store)).toBe('retryable');
    expect(
      (await listDoubts(store, { limit: 1_000 })).doubts.filter(({ recordName }) => recordName === recordNameIn(store)),
    ).toEqual([]);
    const { steps } = (await store.inner.read(recordNameIn(store))).record ?? {};
    expect([...(steps?.keys() ?? [])]).toEqual(['reserve', 'charge']);
  }
});
