// Steps where nobody expects them: after the end, beside others that fail, without a record, under odd names, in great numbers.
import {
  type Events,
  executeIdempotently,
  LeaseLostError,
  type OperationContext,
  onEvent,
  type StepContext,
} from '@onceguard/core';
import { failsBefore, runFirst } from '@onceguard/testing';
import { expect, it } from 'vitest';
import { newGate } from '../../packages/testing/src/adapter-suite/support/gate.js';
import { abandonWork, callOptions, neverSettles } from './abandoned-work.js';
import { summarize } from './execution-summary.js';
import { briefTimeout, onEveryStore, recordNameIn, recordOf, stateAfterDrain } from './store-testbed.js';

const atMostOnce = { atMostOnce: true };
const asValue = (error: unknown) => error;

onEveryStore('A step that its operation did not wait for', (open) => {
  it.each([{}, atMostOnce])('does not begin once the operation has ended (%o)', async (options) => {
    const { store } = open();
    let step: OperationContext['step'] | undefined;
    let ran = false;
    const errors: unknown[] = [];
    const late = async () => {
      const fn = () => {
        ran = true;
      };
      errors.push(await step?.(`late-${errors.length}`, fn, options).catch(asValue));
    };
    // While the outcome is being recorded, and after it.
    store.injectFault('complete', runFirst(late));
    const operation = (context: OperationContext) => {
      step = context.step;
      return 'paid';
    };
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('paid, recorded');
    await late();
    const ended = { code: 'lease_lost', message: expect.stringMatching(/operation has ended/) };
    expect(errors).toMatchObject([ended, ended]);
    expect([ran, store.callsOf('checkpoint')]).toEqual([false, []]);
  });

  it('is not recorded, rejects, and changes nothing of the outcome', async () => {
    const { store } = open();
    const heard: Events['lease_lost'][] = [];
    const stop = onEvent('lease_lost', (event) => heard.push(event));
    const [gate, recorded] = [newGate(), newGate()];
    store.injectFault(
      'checkpoint',
      runFirst(async () => await recorded.opened),
    );
    let late: Promise<unknown> = Promise.resolve();
    const operation = async ({ step }: OperationContext) => {
      late = step('late', () => gate.open()).catch(asValue);
      await gate.opened;
      return 'paid';
    };
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('paid, recorded');
    recorded.open();
    expect(await late).toBeInstanceOf(LeaseLostError);
    stop();
    expect(heard).toEqual([]);
    expect(await recordOf(store.inner, recordNameIn(store))).toMatchObject({ state: 'completed', steps: new Map() });
  });

  it('and that may run at most once leaves the outcome unknown when the operation fails', async () => {
    const { store } = open();
    const begun = newGate();
    const operation = async ({ step }: OperationContext) => {
      const charge = async () => {
        begun.open();
        return await neverSettles();
      };
      const fails = async () => {
        await begun.opened;
        throw new Error('no stock');
      };
      await Promise.all([step('charge', charge, atMostOnce), step('reserve', fails)]);
    };
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('Error: no stock');
    expect(await stateAfterDrain(store)).toBe('unknown');
  });
});

onEveryStore('Steps', (open) => {
  it('with any valid names are recorded separately and returned to later attempts', async () => {
    const { store } = open();
    const names = ['__proto__', 'constructor', 'toString', 's:charge', '!', '~'.repeat(128), '{a}', '*', '%s', 'o'];
    let attempts = 0;
    const operation = async ({ step }: OperationContext) => {
      attempts += 1;
      const results: unknown[] = [];
      for (const name of names) results.push(await step(name, () => `${name} ${attempts}`));
      if (attempts === 1) throw new Error('declined');
      expect(results).toEqual(names.map((name) => `${name} 1`));
      return 'done';
    };
    await executeIdempotently(operation, callOptions(store)).catch(() => {});
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('done, recorded');
  });

  it.each(['a b', 'é', 'a\n', '', 'x'.repeat(129), 1, undefined, {}])('cannot be called %o', async (name) => {
    const { store } = open();
    let ran = false;
    const operation = async ({ step }: OperationContext) => await step(name as string, () => (ran = true));
    await expect(executeIdempotently(operation, callOptions(store))).rejects.toMatchObject({ code: 'step_invalid' });
    expect([ran, store.callsOf('checkpoint')]).toEqual([false, []]);
  });

  it('are a thousand at most, those of earlier attempts among them, which go on coming back', async () => {
    const { store } = open();
    const take = async ({ step }: OperationContext, prefix: string, count: number) => {
      const names = Array.from({ length: count }, (_, n) => `${prefix}-${n}`);
      return await Promise.all(names.map((name) => step(name, () => prefix)));
    };
    const first = async (context: OperationContext) => {
      await take(context, 'first', 600);
      throw new Error('declined');
    };
    await executeIdempotently(first, callOptions(store)).catch(() => {});
    let error: unknown;
    const second = async (context: OperationContext) => {
      for (let n = 0; n < 400; n += 1) await context.step(`second-${n}`, () => n);
      error = await context.step('second-400', () => 1).catch(asValue);
      const again = await take(context, 'first', 600);
      return new Set(again).size;
    };
    expect(await summarize(executeIdempotently(second, callOptions(store)))).toBe('1, recorded');
    expect(error).toMatchObject({ code: 'step_invalid', message: expect.stringMatching(/1000 steps/) });
  });

  it('of a bypass run without a record: each once, and none is kept for the next', async () => {
    const { store } = open(briefTimeout);
    store.injectFault('acquire', failsBefore());
    const ran: string[] = [];
    const operation = async ({ step, deriveKey }: OperationContext) => {
      const charge = (context: StepContext) => {
        ran.push('charge');
        return context.key;
      };
      const key = await step('charge', charge, atMostOnce);
      expect(key).toBe(deriveKey('charge'));
      await expect(step('charge', () => 2)).rejects.toMatchObject({ code: 'step_invalid' });
      return 'paid';
    };
    const options = callOptions(store, { onStoreUnavailable: 'bypass' });
    expect(await summarize(executeIdempotently(operation, options))).toBe('paid, unrecorded');
    expect(await summarize(executeIdempotently(operation, options))).toBe('paid, unrecorded');
    expect([ran.length, store.callsOf('checkpoint')]).toEqual([2, []]);
  });

  it('whose schema does not take what was just recorded are on record all the same', async () => {
    const { store } = open();
    let runs = 0;
    const parse = (): never => {
      throw new Error('a number was expected');
    };
    const operation = async ({ step }: OperationContext) =>
      await step('charge', () => (runs += 1), runs === 0 ? { ...atMostOnce, resultSchema: { parse } } : {});
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('outcome_invalid');
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('1, recorded');
    expect(runs).toBe(1);
  });

  it('in doubt stay so where the operation throws something else instead', async () => {
    const { store } = open();
    await abandonWork(store, async ({ step }, vanish) => await step('charge', vanish, atMostOnce));
    const operation = async ({ step }: OperationContext) => {
      await step('charge', neverSettles, atMostOnce).catch(() => {});
      throw new Error('declined');
    };
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('Error: declined');
    expect(await stateAfterDrain(store)).toBe('unknown');
  });
});
