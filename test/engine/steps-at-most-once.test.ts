// Steps that may run at most once: an intent is recorded first, and a step in doubt is never repeated silently.
import { executeIdempotently, LeaseLostError, type OperationContext, type StepContext } from '@onceguard/core';
import { failsBefore } from '@onceguard/testing';
import { expect, it } from 'vitest';
import { abandonWork, callOptions, neverSettles } from './abandoned-work.js';
import { briefLease, executeUnderBriefLease } from './brief-lease.js';
import { summarize } from './execution-summary.js';
import { onEveryStore, recordNameIn, recordOf, stateAfterDrain } from './store-testbed.js';

const declined = () => {
  throw new Error('declined');
};

onEveryStore('A step that may run at most once', (open) => {
  const charge = async ({ step }: OperationContext, fn: (context: StepContext) => unknown) => {
    return await step('charge', fn, { atMostOnce: true });
  };

  it('is on record before it runs, and its result after it', async () => {
    const { store } = open();
    const seqs: (number | undefined)[] = [];
    const look = async () => {
      const record = await recordOf(store.inner, recordNameIn(store));
      seqs.push(record?.steps.get('charge')?.seq);
    };
    const operation = async (context: OperationContext) => {
      await charge(context, look);
      await look();
      return 'paid';
    };
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('paid, recorded');
    expect(seqs).toEqual([1, 2]);
  });

  it('is not run again after it was abandoned: the outcome is unknown, under whatever policy', async () => {
    const { store } = open();
    await abandonWork(store, async (context, vanish) => await charge(context, vanish));
    let runs = 0;
    const operation = async (context: OperationContext) => {
      await charge(context, () => {
        runs += 1;
      });
      return 'paid';
    };
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('outcome_unknown');
    expect(await stateAfterDrain(store)).toBe('unknown');
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('outcome_unknown');
    expect(runs).toBe(0);
  });

  it('that throws leaves the outcome unknown, though the options say retry', async () => {
    const { store } = open();
    const operation = async (context: OperationContext) => await charge(context, declined);
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('Error: declined');
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('outcome_unknown');
  });

  it('that throws after it said that nothing happened runs again', async () => {
    const { store } = open();
    const attempts: number[] = [];
    const operation = async (context: OperationContext) => {
      await charge(context, ({ attempt, markNothingHappened }) => {
        attempts.push(attempt);
        markNothingHappened();
        if (attempts.length < 3) declined();
      });
      return 'paid';
    };
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('Error: declined');
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('Error: declined');
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('paid, recorded');
    expect(attempts).toEqual([1, 2, 3]);
  });

  it('does not run where its intent could not be recorded', async () => {
    const { store } = open();
    store.injectFault('checkpoint', failsBefore());
    let ran = false;
    const operation = async (context: OperationContext) => {
      await charge(context, () => {
        ran = true;
      });
    };
    const end = executeUnderBriefLease(operation, { ...callOptions(store), ...briefLease });
    await expect(end).rejects.toThrow(LeaseLostError);
    expect(ran).toBe(false);
  });

  it('may be given up by an operation that finds out for itself', async () => {
    const { store } = open();
    await abandonWork(store, async (context, vanish) => await charge(context, vanish));
    const operation = async (context: OperationContext) => {
      return await charge(context, neverSettles).catch((error: { code: string }) => error.code);
    };
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('outcome_unknown, recorded');
  });
});
