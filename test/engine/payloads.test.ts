// One key stands for one payload: the input of a function, unless the options say otherwise.
import { executeIdempotently, KeyReusedError, makeIdempotent } from '@onceguard/core';
import { describe, expect, it } from 'vitest';
import { newGate } from '../../packages/testing/src/adapter-suite/support/gate.js';
import { summarize } from './execution-summary.js';
import { memoryTestbed, onEveryStore } from './store-testbed.js';

type Order = { readonly id: string } & Record<string, unknown>;

onEveryStore('A key names one payload', (open) => {
  const wrapped = (options: object = {}) =>
    makeIdempotent(({ id }: Order) => `paid ${id}`, {
      store: open().store,
      scope: 'tests',
      key: ({ id }) => id,
      ...options,
    });

  it('in whatever order its members come', async () => {
    const pay = wrapped();
    await pay({ id: '1', amount: 5, to: { name: 'a', city: 'b' } });
    expect(await pay({ to: { city: 'b', name: 'a' }, amount: 5, id: '1' })).toBe('paid 1');
  });

  it.each([
    ['a changed value', { amount: 6 }],
    ['a value of another kind', { amount: '5' }],
    ['one member more', { amount: 5, note: 'x' }],
    ['one member less', {}],
  ])('and %s under it is a KeyReusedError', async (_title, change) => {
    const pay = wrapped();
    await pay({ id: '1', amount: 5 });
    await expect(pay({ id: '1', ...change })).rejects.toThrow(KeyReusedError);
  });

  it('also while the first is still running', async () => {
    const { store } = open();
    const [begun, gate] = [newGate(), newGate()];
    const options = { store, scope: 'tests', key: 'payment-1' };
    const first = executeIdempotently(
      async () => {
        begun.open();
        await gate.opened;
      },
      { ...options, fingerprint: { amount: 5 } },
    );
    await begun.opened;
    expect(await summarize(executeIdempotently(() => 'never', { ...options, fingerprint: { amount: 6 } }))).toBe(
      'key_reused',
    );
    gate.open();
    await first;
  });

  it('of which a function may pick what counts', async () => {
    const pay = wrapped({ fingerprint: ({ amount }: Order) => amount });
    await pay({ id: '1', amount: 5, at: 1 });
    expect(await pay({ id: '1', amount: 5, at: 2 })).toBe('paid 1');
    await expect(pay({ id: '1', amount: 6, at: 1 })).rejects.toThrow(KeyReusedError);
  });

  it('or any, with fingerprint false', async () => {
    const pay = wrapped({ fingerprint: false });
    await pay({ id: '1', amount: 5 });
    expect(await pay({ id: '1', amount: 6 })).toBe('paid 1');
  });
});

describe('A payload', () => {
  it('that execute is not given is not compared', async () => {
    const options = { store: memoryTestbed().store, scope: 'tests', key: 'payment-1' };
    await executeIdempotently(() => 'paid', { ...options, fingerprint: 1 });
    expect(await summarize(executeIdempotently(() => 'never', options))).toBe('paid, replayed');
    expect(await summarize(executeIdempotently(() => 'never', { ...options, fingerprint: 2 }))).toBe('key_reused');
  });

  it('that cannot be compared is an error that says so, and nothing runs', async () => {
    const { store } = memoryTestbed();
    const pay = makeIdempotent(() => expect.unreachable('It ran.'), { store, scope: 'tests', key: () => 'payment-1' });
    const wanted = { code: 'argument_invalid', message: expect.stringMatching(/instance of Map.*option fingerprint/) };
    await expect(pay(new Map())).rejects.toMatchObject(wanted);
    expect(store.calls).toEqual([]);
  });
});
