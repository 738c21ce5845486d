// Must hold: a result that cannot be kept loses no effect. The work is recorded as done, its steps too, the caller gets the value,
// an event says so, and nothing of it runs again.
import { type Events, executeIdempotently, type OperationContext, onEvent } from '@onceguard/core';
import { expect, it } from 'vitest';
import { callOptions } from '../engine/abandoned-work.js';
import { summarize } from '../engine/execution-summary.js';
import { onEveryStore, recordNameIn, recordOf } from '../engine/store-testbed.js';

const circular: { self?: unknown } = {};
circular.self = circular;
const hostile = {
  get member() {
    throw new TypeError('not now');
  },
};
const spelled = {
  toJSON() {
    throw new TypeError('not as JSON');
  },
};

onEveryStore('A result that cannot be kept', (open) => {
  it.each([
    ['a circle', circular, /circular/],
    ['a function', () => 1, /a function/],
    ['a symbol', Symbol('paid'), /a symbol/],
    ['a member that is a function', spelled, /a function/],
    ['a getter that throws', hostile, /not now/],
    ['an instance of a class', new Map(), /instance of Map/],
    ['more than maxOutcomeBytes', 'x'.repeat(99), /101 bytes; maxOutcomeBytes is 100/],
  ])('is given to the caller, and the work stays done: %s', async (_what, value, reason) => {
    const { store } = open();
    const heard: Events['outcome_not_kept'][] = [];
    const stop = onEvent('outcome_not_kept', (event) => heard.push(event));
    const effects: string[] = [];
    const operation = async ({ step }: OperationContext): Promise<unknown> => {
      await step('charge', () => effects.push('charge'), { atMostOnce: true });
      return value;
    };
    const options = callOptions<unknown>(store, { maxOutcomeBytes: 100 });
    const first = await executeIdempotently(operation, options);
    expect(first).toMatchObject({ kind: 'executed', recorded: true });
    expect('value' in first && first.value).toBe(value);
    expect(await summarize(executeIdempotently(operation, options))).toBe('expired');
    stop();
    expect(heard).toMatchObject([{ recordName: recordNameIn(store), reason: expect.stringMatching(reason) }]);
    expect(await recordOf(store.inner, recordNameIn(store))).toMatchObject({ state: 'completed', outcome: null });
    expect(effects).toEqual(['charge']);
  });

  it('is kept where it only looks odd: a BigInt', async () => {
    const { store } = open();
    await executeIdempotently(() => 2n ** 70n, callOptions(store));
    expect(await executeIdempotently(() => 0n, callOptions(store))).toMatchObject({
      kind: 'replayed',
      value: 2n ** 70n,
    });
  });
});
