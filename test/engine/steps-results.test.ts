// Results of steps that cannot be recorded: told at once and loudly; the effect is repeated under its key, or is in doubt.
import { executeIdempotently, type OperationContext, type StepContext } from '@onceguard/core';
import { expect, it } from 'vitest';
import { callOptions } from './abandoned-work.js';
import { summarize } from './execution-summary.js';
import { onEveryStore, recordNameIn, recordOf, stateAfterDrain } from './store-testbed.js';

const hostile = {
  get member() {
    throw new TypeError('not now');
  },
};

const results: [what: string, value: unknown, message: RegExp][] = [
  ['a circle', Object.assign([], { self: [] }), /members besides its items/],
  ['an endless circle', circle(), /circular/],
  ['a function', () => 1, /a function/],
  ['a symbol', Symbol('x'), /a symbol/],
  ['a member that is a function', { id: 1, toJSON: () => 'text' }, /a function/],
  ['a getter that throws', hostile, /not now/],
  ['an instance of a class', new Map(), /instance of Map/],
  ['an answer of fetch', new Response('paid'), /instance of Response/],
  ['more than 1 MiB', 'x'.repeat(1_048_575), /1048577 bytes, more than 1048576/],
];

onEveryStore('A step whose result cannot be recorded', (open) => {
  it.each(results)('rejects and says why: %s', async (_what, value, message) => {
    const { store } = open();
    const operation = async ({ step }: OperationContext) => await step('charge', () => value);
    await expect(executeIdempotently(operation, callOptions(store))).rejects.toMatchObject({
      code: 'outcome_invalid',
      message: expect.stringMatching(new RegExp(`step charge cannot be recorded: .*${message.source}.* plain data`)),
    });
    expect((await recordOf(store.inner, recordNameIn(store)))?.steps.size).toBe(0);
  });

  it('runs again under the same key, since the other system knows a call by it', async () => {
    const { store } = open();
    const keys: string[] = [];
    const charge = ({ key }: StepContext) => {
      keys.push(key);
      return keys.length === 1 ? new Map() : 'ch_1';
    };
    const operation = async ({ step }: OperationContext) => await step('charge', charge);
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('outcome_invalid');
    expect(await stateAfterDrain(store)).toBe('retryable');
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('ch_1, recorded');
    expect(keys).toEqual([keys[0], keys[0]]);
  });

  it('is in doubt and not repeated, where it may run at most once', async () => {
    const { store } = open();
    let runs = 0;
    const charge = () => {
      runs += 1;
      return new Map();
    };
    const operation = async ({ step }: OperationContext) => await step('charge', charge, { atMostOnce: true });
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('outcome_invalid');
    expect(await stateAfterDrain(store)).toBe('unknown');
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('outcome_unknown');
    expect(runs).toBe(1);
  });

  it('is kept to the byte: 1 MiB is', async () => {
    const { store } = open();
    const value = 'x'.repeat(1_048_574);
    const operation = async ({ step }: OperationContext) => (await step('charge', () => value)) === value;
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('true, recorded');
  });
});

function circle(): object {
  const circular: { self?: unknown } = {};
  circular.self = circular;
  return circular;
}
