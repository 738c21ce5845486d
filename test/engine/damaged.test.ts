// Records whose bytes were changed: a typed error, and neither a run nor a replay, whatever the options say.
import { drain, execute, type IdempotencyStore, listDoubts, onEvent, resolve } from '@onceguard/core';
import type { FaultStore, Interference } from '@onceguard/core/testing';
import { expect, it } from 'vitest';
import { abandon, block, call, charging, paying } from './abandoned.js';
import { told } from './told.js';
import { nameIn, onEveryStore, stateOf } from './world.js';

type Acquire = Awaited<ReturnType<IdempotencyStore['acquire']>>;

const flipped = (bytes: Uint8Array, at: number) => {
  const changed = Buffer.from(bytes);
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
};

/** The store answers to `acquire` what was made of its answer. */
function answering(change: (answer: Acquire) => Partial<Acquire> | Record<string, unknown>): Interference {
  return async (pass) => {
    const answer = (await pass()) as unknown as Acquire;
    return { ...answer, ...change(answer) } as never;
  };
}

const changes: Record<string, (bytes: Uint8Array) => Uint8Array> = {
  'one bit of the checksum': (bytes) => flipped(bytes, 0),
  'one bit of the value': (bytes) => flipped(bytes, bytes.byteLength - 1),
  'cut off': (bytes) => bytes.subarray(0, -1),
  'all gone': () => Buffer.alloc(0),
  'one byte more': (bytes) => Buffer.concat([bytes, Buffer.from(' ')]),
  'the value alone': (bytes) => bytes.subarray(8),
};

onEveryStore('A record whose bytes were changed', (open) => {
  it.each(Object.entries(changes))('is not replayed and not run again: the outcome, %s', async (_, change) => {
    const { store } = open();
    await execute(() => 12, call(store));
    store.on(
      'acquire',
      answering((answer) => (answer.kind === 'completed' ? { outcome: change(answer.outcome) } : {})),
    );
    const errors: unknown[] = [];
    const stop = onEvent('store_error', (event) => errors.push(event));
    for (const onStoreUnavailable of ['reject', 'bypass'] as const) {
      const again = execute(() => expect.unreachable('It runs again.'), call(store, { onStoreUnavailable }));
      await expect(again).rejects.toMatchObject({ name: 'StoreError', class: 'damaged', code: 'record_damaged' });
    }
    stop();
    expect(errors).toMatchObject([{ name: nameIn(store), class: 'damaged' }, { class: 'damaged' }]);
    store.heal();
    expect(await told(execute(() => 13, call(store)))).toBe('12, replayed');
  });

  it('is not replayed under another name', async () => {
    const { store } = open();
    await execute(() => 12, call(store));
    const { outcome } = (await store.inner.read(nameIn(store))).record ?? {};
    await execute(() => 13, call(store, { key: 'order-2' }));
    store.on(
      'acquire',
      answering((answer) => (answer.kind === 'completed' ? { outcome } : {})),
    );
    expect(await told(execute(() => 14, call(store, { key: 'order-2' })))).toBe('record_damaged');
    expect(await told(execute(() => 14, call(store)))).toBe('12, replayed');
  });

  it.each(Object.entries(changes))('does not run: a step, %s', async (_, change) => {
    const { store } = open();
    await abandon(store, charging);
    damageStep(store, ({ bytes, seq }) => ({ seq, bytes: change(bytes) }));
    await isGivenBack(store);
  });

  it('does not run: the number of a step, which says whether it is in doubt', async () => {
    const { store } = open();
    await abandon(store, charging);
    damageStep(store, ({ bytes, seq }) => ({ seq: seq + 1, bytes }));
    await isGivenBack(store);
  });

  it('does not run: the name of a step', async () => {
    const { store } = open();
    await abandon(store, charging);
    const renamed = answering((answer) =>
      answer.kind === 'acquired'
        ? { steps: new Map([...answer.steps].map(([name, entry]) => [`${name}x`, entry])) }
        : {},
    );
    store.on('acquire', renamed);
    await isGivenBack(store);
  });

  it('can be decided to be done, and not to be not done, where a step is damaged', async () => {
    const { store } = open();
    await abandon(store, charging, block);
    store.on('read', async (pass) => {
      const { record, ...rest } = (await pass()) as unknown as Awaited<ReturnType<IdempotencyStore['read']>>;
      const steps = new Map(
        [...(record?.steps ?? [])].map(([name, { seq, bytes }]) => [name, { seq: seq + 1, bytes }]),
      );
      return { ...rest, record: record && { ...record, steps } } as never;
    });
    const why = { by: 'Ada', reason: 'asked the bank' };
    const notDone = resolve(store, nameIn(store), { as: 'not_done', ...why });
    await expect(notDone).rejects.toMatchObject({ code: 'record_damaged' });
    expect(await resolve(store, nameIn(store), { as: 'done', result: 'paid', ...why })).toMatchObject({ kind: 'ok' });
    expect(await told(execute(paying, call(store)))).toBe('paid, replayed');
  });

  it('is told as its value to somebody who decides too late, and not with its checksum', async () => {
    const { store } = open();
    await execute(() => 12, call(store));
    const late = await resolve(store, nameIn(store), { as: 'done', by: 'Ada', reason: 'asked', fencingToken: 1 });
    expect(late).toMatchObject({ kind: 'conflict', standing: { outcome: Buffer.from('12') } });
  });

  function damageStep(store: FaultStore, change: (entry: { seq: number; bytes: Uint8Array }) => unknown): void {
    store.on(
      'acquire',
      answering((answer) =>
        answer.kind === 'acquired'
          ? { steps: new Map([...answer.steps].map(([name, entry]) => [name, change(entry)])) }
          : {},
      ),
    );
  }

  /** The lease is not kept, and the next attempt goes on from the steps. */
  async function isGivenBack(store: FaultStore): Promise<void> {
    for (const onStoreUnavailable of ['reject', 'bypass'] as const) {
      const again = execute(() => expect.unreachable('It runs again.'), call(store, { onStoreUnavailable }));
      await expect(again).rejects.toMatchObject({ class: 'damaged', code: 'record_damaged' });
      // The lease is given back in the background; the next attempt would still find it.
      await drain(store);
    }
    store.heal();
    expect(await stateOf(store)).toBe('retryable');
    expect((await listDoubts(store, { limit: 1_000 })).doubts.filter(({ name }) => name === nameIn(store))).toEqual([]);
    const { steps } = (await store.inner.read(nameIn(store))).record ?? {};
    expect([...(steps?.keys() ?? [])]).toEqual(['reserve', 'charge']);
  }
});
