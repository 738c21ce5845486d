// Steps: what one attempt has recorded, no later one does again; what is in doubt, nobody repeats silently.
import { executeIdempotently, LeaseLostError, type OperationContext, type StepContext } from '@onceguard/core';
import { failsAfter, failsBefore, hangs, hangsAfter } from '@onceguard/testing';
import { expect, it } from 'vitest';
import { untilAborted } from '../../packages/testing/src/adapter-suite/support/until-aborted.js';
import { abandonWork, callOptions } from './abandoned-work.js';
import { briefLease, executeUnderBriefLease } from './brief-lease.js';
import { summarize } from './execution-summary.js';
import { briefTimeout, onEveryStore, recordNameIn, recordOf } from './store-testbed.js';

const declined = () => {
  throw new Error('declined');
};

onEveryStore('A step', (open) => {
  it('that is on record is not run again by a later attempt, which gets its result', async () => {
    const { store } = open();
    const seen: StepContext[] = [];
    const charge = (context: StepContext) => {
      seen.push(context);
      return { id: 'ch_1' };
    };
    const failing = async ({ step }: OperationContext) => {
      await step('charge', charge);
      declined();
    };
    expect(await summarize(executeIdempotently(failing, callOptions(store)))).toBe('Error: declined');

    let ran: unknown;
    const again = async (context: OperationContext) => {
      ran = await context.step('charge', charge);
      expect(context.deriveKey('charge')).toBe(seen[0]?.key);
      return 'paid';
    };
    expect(await summarize(executeIdempotently(again, callOptions(store)))).toBe('paid, recorded');
    expect([ran, seen.length, seen[0]?.attempt]).toEqual([{ id: 'ch_1' }, 1, 1]);
  });

  it('resolves when its result is on record, and not before', async () => {
    const { store } = open();
    const operation = async ({ step }: OperationContext) => {
      await step('reserve', () => 'r1');
      const record = await recordOf(store.inner, recordNameIn(store));
      return [...(record?.steps.keys() ?? [])].join();
    };
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('reserve, recorded');
  });

  it.each([undefined, null, 0, '', false, Number.NaN, 1n, new Date(0), Buffer.from([0]), [1, { a: undefined }]])(
    'gives back %o as it was',
    async (value) => {
      const { store } = open();
      const results: unknown[] = [];
      const operation = async ({ step }: OperationContext) => {
        results.push(await step('look-up', () => value));
        if (results.length === 1) declined();
        return 'done';
      };
      await summarize(executeIdempotently(operation, callOptions(store)));
      expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('done, recorded');
      expect(results).toEqual([value, value]);
    },
  );

  it('that began without getting as far as its record runs again, under the same key', async () => {
    const { store } = open();
    const keys: string[] = [];
    await abandonWork(store, async ({ step }, vanish) => {
      await step('charge', async ({ key }) => {
        keys.push(key);
        return await vanish();
      });
    });
    const operation = async ({ step }: OperationContext) => {
      return await step('charge', ({ key, attempt }) => {
        keys.push(key);
        return attempt;
      });
    };
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('2, recorded');
    expect(keys).toEqual([keys[0], keys[0]]);
  });

  it('runs at the same time as others', async () => {
    const { store } = open();
    const operation = async ({ step }: OperationContext) => {
      const results = await Promise.all([1, 2, 3].map((n) => step(`part-${n}`, () => n)));
      return results.join();
    };
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('1,2,3, recorded');
  });

  it.each([
    ['has been begun in this attempt already', 'charge', 'Give each step a name of its own, such as charge-2'],
    ['has no name', '', 'must be 1 to 128 printable ASCII characters'],
    ['has a name with a space', 'charge the card', 'must be 1 to 128 printable ASCII characters'],
  ])('that %s is a mistake', async (_what, name, remedy) => {
    const { store } = open();
    let error: unknown;
    const operation = async ({ step }: OperationContext) => {
      await step('charge', () => 1);
      error = await step(name, () => 2).catch((thrown: unknown) => thrown);
      return 'done';
    };
    await executeIdempotently(operation, callOptions(store));
    expect(error).toMatchObject({ code: 'step_invalid', message: expect.stringContaining(remedy) });
  });

  it('whose record does not fit the schema of a new version rejects, and does not run', async () => {
    const { store } = open();
    const resultSchema = {
      parse(recorded: unknown) {
        if (typeof recorded === 'string') return recorded;
        throw new Error('a string was expected');
      },
    };
    const before = async ({ step }: OperationContext) => {
      await step('charge', () => 1);
      declined();
    };
    await summarize(executeIdempotently(before, callOptions(store)));
    const after = async ({ step }: OperationContext) => await step('charge', () => 'ch_1', { resultSchema });
    await expect(executeIdempotently(after, callOptions(store))).rejects.toMatchObject({
      code: 'outcome_invalid',
      message: expect.stringMatching(/step charge does not fit its schema/),
    });
  });

  it('does not run where the lease is over, and rejects with a LeaseLostError', async () => {
    const { store } = open();
    let ran = false;
    let error: unknown;
    const operation = async ({ signal, step }: OperationContext) => {
      await untilAborted(signal);
      const late = step('charge', () => {
        ran = true;
      });
      error = await late.catch((thrown: unknown) => thrown);
    };
    await executeUnderBriefLease(operation, { ...callOptions(store), ...briefLease }).catch(() => {});
    expect(ran).toBe(false);
    expect(error).toBeInstanceOf(LeaseLostError);
  });

  it('that ends after the lease is over is not recorded, and rejects with a LeaseLostError', async () => {
    const { store } = open();
    let error: unknown;
    const operation = async ({ signal, step }: OperationContext) => {
      const late = step('charge', async () => await untilAborted(signal));
      error = await late.catch((thrown: unknown) => thrown);
    };
    await executeUnderBriefLease(operation, { ...callOptions(store), ...briefLease }).catch(() => {});
    expect(error).toBeInstanceOf(LeaseLostError);
    expect(store.callsOf('checkpoint')).toEqual([]);
  });

  it.each([
    ['fails before', failsBefore()],
    ['fails after', failsAfter],
    ['hangs before', hangs],
    ['hangs after', hangsAfter],
  ])('is recorded although the store at first %s', async (_how, interference) => {
    const { store } = open(briefTimeout);
    store.injectFault('checkpoint', interference, 1);
    const operation = async ({ step }: OperationContext) => await step('charge', () => 'ch_1');
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('ch_1, recorded');
    expect(store.callsOf('checkpoint')).toHaveLength(2);
  });

  it('rejects when the store has been silent until the lease was over', async () => {
    const { store } = open(briefTimeout);
    store.injectFault('checkpoint', hangs);
    let error: unknown;
    const operation = async ({ step }: OperationContext) => {
      error = await step('charge', () => 'ch_1').catch((thrown: unknown) => thrown);
      throw error;
    };
    await executeUnderBriefLease(operation, { ...callOptions(store), ...briefLease }).catch(() => {});
    expect(error).toBeInstanceOf(LeaseLostError);
  });

  it('finds a record that the store has lost written anew, with the steps of earlier attempts', async () => {
    const { store, loseRecord } = open();
    const first = async ({ step }: OperationContext) => {
      await step('reserve', () => 'r1');
      declined();
    };
    await summarize(executeIdempotently(first, callOptions(store)));
    const second = async ({ step }: OperationContext) => {
      await step('charge', () => 'ch_1');
      await loseRecord(recordNameIn(store));
      await step('send', () => 'm_1');
      const record = await recordOf(store.inner, recordNameIn(store));
      return [...(record?.steps.keys() ?? [])].sort().join();
    };
    expect(await summarize(executeIdempotently(second, callOptions(store)))).toBe('charge,reserve,send, recorded');
  });
});
