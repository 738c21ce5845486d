// Retries of a step that may run at most once: a try that may have taken effect is never followed by another one.
import { executeIdempotently, LeaseLostError, type OperationContext, type StepContext } from '@onceguard/core';
import { expect, it } from 'vitest';
import { callOptions } from '../engine/abandoned-work.js';
import { summarize } from '../engine/execution-summary.js';
import { onEveryStore, recordNameIn, recordOf, stateAfterDrain } from '../engine/store-testbed.js';

const backoff = { initialMs: 1, factor: 1 };
const options = { atMostOnce: true, retries: 3, backoff };
const asValue = (error: unknown) => error;

/** Each letter is one try: `n` fails after `markNothingHappened()`, `f` fails without it, `s` succeeds. */
function chargeBy(tries: string) {
  const tryNumbers: number[] = [];
  const charge = ({ tryNumber, markNothingHappened }: StepContext) => {
    const behaviour = tries[tryNumbers.push(tryNumber) - 1];
    if (behaviour === 's') return 'ch_1';
    if (behaviour === 'n') markNothingHappened();
    throw new Error(`failed try ${tryNumber}`);
  };
  return { charge, tryNumbers };
}

onEveryStore('A step with retries that may run at most once', (open) => {
  it('is tried again after each try that says that nothing happened', async () => {
    const { store } = open();
    const { charge, tryNumbers } = chargeBy('nns');
    const operation = async ({ step }: OperationContext) => await step('charge', charge, options);
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('ch_1, recorded');
    expect(tryNumbers).toEqual([1, 2, 3]);
  });

  it('has its intent on record through all tries', async () => {
    const { store } = open();
    const seqs: (number | undefined)[] = [];
    const operation = async ({ step }: OperationContext) => {
      const charge = async ({ tryNumber, markNothingHappened }: StepContext) => {
        const record = await recordOf(store.inner, recordNameIn(store));
        seqs.push(record?.steps.get('charge')?.seq);
        markNothingHappened();
        if (tryNumber < 3) throw new Error('busy');
        return 'ch_1';
      };
      return await step('charge', charge, options);
    };
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('ch_1, recorded');
    expect(seqs).toEqual([1, 1, 1]);
    expect(store.callsOf('checkpoint')).toHaveLength(2);
  });

  it.each([
    ['the first', 'f', [1]],
    ['a later one, whatever earlier tries said', 'nnf', [1, 2, 3]],
  ])('is in doubt after a try that does not say so: %s', async (_which, tries, made) => {
    const { store } = open();
    const { charge, tryNumbers } = chargeBy(tries);
    const operation = async ({ step }: OperationContext) => await step('charge', charge, options);
    const lastError = `Error: failed try ${made.length}`;
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe(lastError);
    expect(tryNumbers).toEqual(made);
    expect(await stateAfterDrain(store)).toBe('unknown');
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('outcome_unknown');
    expect(tryNumbers).toEqual(made);
  });

  it('is not in doubt where nothing happened in its last try either', async () => {
    const { store } = open();
    const { charge, tryNumbers } = chargeBy('nns');
    const operation = async ({ step }: OperationContext) => await step('charge', charge, { ...options, retries: 1 });
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('Error: failed try 2');
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('ch_1, recorded');
    expect(tryNumbers).toEqual([1, 2, 1]);
  });

  it('is not in doubt where nothing happened and the error is not to be retried', async () => {
    const { store } = open();
    const { charge, tryNumbers } = chargeBy('ns');
    const operation = async ({ step }: OperationContext) =>
      await step('charge', charge, { ...options, retryable: () => false });
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('Error: failed try 1');
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('ch_1, recorded');
    expect(tryNumbers).toEqual([1, 1]);
  });

  it('is in doubt where the lease is lost between two tries', async () => {
    const { store } = open();
    const { charge, tryNumbers } = chargeBy('nns');
    let error: unknown;
    const operation = async ({ step }: OperationContext) => {
      const pending = step('charge', charge, { ...options, backoff: { initialMs: 600_000 } });
      error = await pending.catch(asValue);
      throw error;
    };
    const shortLease = { leaseMs: 3_000, maxExecutionMs: 10 };
    await executeIdempotently(operation, { ...callOptions(store), ...shortLease }).catch(asValue);
    expect(error).toBeInstanceOf(LeaseLostError);
    expect(tryNumbers).toEqual([1]);
    const next = callOptions(store, { onInProgress: { waitMs: 30_000 } });
    const recharge = async ({ step }: OperationContext) => await step('charge', charge, options);
    expect(await summarize(executeIdempotently(recharge, next))).toBe('outcome_unknown');
    expect(tryNumbers).toEqual([1]);
  });
});
