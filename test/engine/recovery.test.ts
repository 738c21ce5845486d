// onAbandoned: a function that finds out what abandoned work did.
import {
  type ExecuteOptions,
  type Execution,
  executeIdempotently,
  type OperationContext,
  type RecoverContext,
  recovery,
} from '@onceguard/core';
import { expect, it } from 'vitest';
import { newGate } from '../../packages/testing/src/adapter-suite/support/gate.js';
import { untilAborted } from '../../packages/testing/src/adapter-suite/support/until-aborted.js';
import { type AbandonedOperation, abandonWork, callOptions, neverSettles } from './abandoned-work.js';
import { summarize } from './execution-summary.js';
import { orderedWork } from './ordered-work.js';
import { onEveryStore, recordNameIn, recordOf, stateAfterDrain } from './store-testbed.js';

type Options = Partial<ExecuteOptions<unknown>>;

onEveryStore('A recover function', (open) => {
  it('is told the recorded steps, the steps in doubt, and their keys', async () => {
    const { store } = open();
    const vanished = orderedWork('charge');
    const recover = (context: RecoverContext) => {
      contexts.push(context);
      return recovery.stillUnknown();
    };
    const contexts: RecoverContext[] = [];
    await abandonWork(store, vanished.operation, { onAbandoned: recover });
    expect(
      await summarize(executeIdempotently(orderedWork().operation, callOptions(store, { onAbandoned: recover }))),
    ).toBe('outcome_unknown');
    expect(contexts).toHaveLength(1);
    expect(contexts[0]).toMatchObject({
      key: 'order-1',
      attempt: 2,
      takeover: true,
      recordedSteps: new Map([['reserve', 'reserve ok']]),
      stepsInDoubt: [{ name: 'charge', key: vanished.keys.get('charge') }],
    });
  });

  it('that finds the work done has its result recorded; the operation does not run', async () => {
    const { store } = open();
    const options: Options = { onAbandoned: () => recovery.done('sold, says the bank') };
    await abandonWork(store, orderedWork('charge').operation, options);
    const { operation, calls } = orderedWork();
    expect(await summarize(executeIdempotently(operation, callOptions(store, options)))).toBe(
      'sold, says the bank, recorded',
    );
    expect(await summarize(executeIdempotently(operation, callOptions(store, options)))).toBe(
      'sold, says the bank, replayed',
    );
    expect(calls).toEqual([]);
  });

  it('that finds the work not done lets the operation go on from the recorded steps', async () => {
    const { store } = open();
    const options: Options = { onAbandoned: () => recovery.notDone() };
    await abandonWork(store, orderedWork('charge').operation, options);
    const { operation, calls } = orderedWork();
    expect(await summarize(executeIdempotently(operation, callOptions(store, options)))).toBe('sold, recorded');
    expect(calls).toEqual(['charge', 'send']);
  });

  it('is asked again when the attempt that it let go on is abandoned too', async () => {
    const { store } = open();
    const doubts: string[][] = [];
    const options: Options = {
      onAbandoned: ({ stepsInDoubt }) => {
        doubts.push(stepsInDoubt.map(({ name }) => name));
        return recovery.notDone();
      },
    };
    await abandonWork(store, orderedWork('charge').operation, options);
    await abandonWork(store, orderedWork('send').operation, options);
    expect(await summarize(executeIdempotently(orderedWork().operation, callOptions(store, options)))).toBe(
      'sold, recorded',
    );
    expect(doubts).toEqual([['charge'], []]);
  });

  it('that finds that steps happened has them recorded: the operation goes on behind them, those in doubt run again', async () => {
    const { store } = open();
    const begin: AbandonedOperation = async ({ step }, vanish) => {
      await step('reserve', () => 'reserved before');
      const charged = newGate();
      const charge = async () => {
        charged.open();
        return await neverSettles();
      };
      const mail = async () => await charged.opened.then(vanish);
      await Promise.all([step('charge', charge, { atMostOnce: true }), step('mail', mail, { atMostOnce: true })]);
    };
    const onAbandoned = () => recovery.notDone({ charge: { id: 'ch_1' }, ship: 'sh_1', reserve: 'known better' });
    await abandonWork(store, begin, { onAbandoned });
    const ran: string[] = [];
    const operation = async ({ step }: OperationContext) => {
      const act = (name: string) => step(name, () => `${ran.push(name)}`, { atMostOnce: true });
      return [await act('reserve'), await act('charge'), await act('ship'), await act('mail')];
    };
    const end = await executeIdempotently(operation, callOptions(store, { onAbandoned }));
    expect(end).toMatchObject({ kind: 'executed', value: ['reserved before', { id: 'ch_1' }, 'sh_1', '1'] });
    expect(ran).toEqual(['mail']);
  });

  it.each([
    ['a name that no step has', { 'two words': 1 }, 'step_invalid'],
    ['what cannot be recorded', { charge: () => {} }, 'outcome_invalid'],
  ])('that gives %s decides nothing', async (_what, happened, code) => {
    const { store } = open();
    const options: Options = { onAbandoned: () => recovery.notDone(happened) };
    await abandonWork(store, orderedWork('charge').operation, options);
    const { operation, calls } = orderedWork();
    await expect(executeIdempotently(operation, callOptions(store, options))).rejects.toMatchObject({ code });
    expect([calls, await stateAfterDrain(store)]).toEqual([[], 'unknown']);
  });

  it('that cannot tell is not asked again before the time that it gave', async () => {
    const { store } = open();
    let asked = 0;
    const options: Options = {
      onAbandoned: () => {
        asked += 1;
        return asked === 1 ? recovery.stillUnknown(60_000) : recovery.done('sold');
      },
    };
    await abandonWork(store, orderedWork('charge').operation, options);
    const end = await executeIdempotently(orderedWork().operation, callOptions(store, options));
    expect(end).toEqual({ kind: 'outcome_unknown', retryAfterMs: 60_000, recordName: recordNameIn(store) });
    expect(await executeIdempotently(orderedWork().operation, callOptions(store, options))).toEqual({
      kind: 'outcome_unknown',
      recordName: recordNameIn(store),
      retryAfterMs: expect.toSatisfy((ms: number) => ms > 0 && ms <= 60_000),
    });
    expect(asked).toBe(1);
  });

  it('that throws decides nothing, and its caller hears it', async () => {
    const { store } = open();
    const options: Options = {
      onAbandoned: () => {
        throw new Error('the bank is closed');
      },
    };
    await abandonWork(store, orderedWork('charge').operation, options);
    expect(await summarize(executeIdempotently(orderedWork().operation, callOptions(store, options)))).toBe(
      'Error: the bank is closed',
    );
    expect(await stateAfterDrain(store)).toBe('unknown');
    expect(
      await summarize(
        executeIdempotently(orderedWork().operation, callOptions(store, { onAbandoned: () => recovery.done('sold') })),
      ),
    ).toBe('sold, recorded');
  });

  it.each([undefined, null, true, {}, { found: 'perhaps' }, 'not_done'])(
    'that answers %o decides nothing: the operation does not run, and its caller is told',
    async (answer) => {
      const { store } = open();
      const options: Options = { onAbandoned: () => answer as never };
      await abandonWork(store, orderedWork('charge').operation, options);
      const { operation, calls } = orderedWork();
      await expect(executeIdempotently(operation, callOptions(store, options))).rejects.toMatchObject({
        code: 'argument_invalid',
        message: expect.stringContaining('done(…), recovery.notDone() or recovery.stillUnknown()'),
      });
      expect([calls, await stateAfterDrain(store)]).toEqual([[], 'unknown']);
    },
  );

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('cannot be asked again in %d ms', async (ms) => {
    const { store } = open();
    const options: Options = { onAbandoned: () => recovery.stillUnknown(ms) };
    await abandonWork(store, orderedWork('charge').operation, options);
    const repeat = executeIdempotently(orderedWork().operation, callOptions(store, options));
    await expect(repeat).rejects.toMatchObject({
      code: 'argument_invalid',
      message: expect.stringMatching(/number of milliseconds/),
    });
    expect(await stateAfterDrain(store)).toBe('unknown');
  });

  it('is asked again in whole milliseconds, and no earlier than it said', () => {
    expect(recovery.stillUnknown(0.5)).toEqual({ found: 'still_unknown', retryAfterMs: 1 });
  });

  it('is asked about an outcome that the options or a step made unknown, too', async () => {
    const { store } = open();
    const options: Options = { onAbandoned: () => recovery.done('sold after all'), onFailure: 'unknown' };
    const failing = () => {
      throw new Error('no connection');
    };
    expect(await summarize(executeIdempotently(failing, callOptions(store, options)))).toBe('Error: no connection');
    expect(await summarize(executeIdempotently(failing, callOptions(store, options)))).toBe('sold after all, recorded');
  });

  it('runs for one of several callers; the others are told in_progress', async () => {
    const { store } = open();
    let asked = 0;
    const ends: Promise<Execution<unknown>>[] = [];
    const repeat = () => executeIdempotently(orderedWork().operation, callOptions(store, options));
    const options: Options = {
      onAbandoned: async () => {
        asked += 1;
        ends.push(repeat(), repeat());
        expect((await Promise.all(ends)).map(({ kind }) => kind)).toEqual(['in_progress', 'in_progress']);
        return recovery.done('sold');
      },
    };
    await abandonWork(store, orderedWork('charge').operation, options);
    expect(await summarize(repeat())).toBe('sold, recorded');
    expect(asked).toBe(1);
  });

  it('that found out after its lease was over decides nothing', async () => {
    const { store } = open();
    await abandonWork(store, orderedWork('charge').operation, { onAbandoned: () => recovery.notDone() });
    const slow = async ({ signal }: RecoverContext) => {
      await untilAborted(signal);
      return recovery.done('too late');
    };
    const { operation, calls } = orderedWork();
    const late = { ...callOptions(store, { onAbandoned: slow }), leaseMs: 3_000, maxExecutionMs: 10 };
    // At the store the lease lasts a little longer, unless this process is slow to send the call.
    expect(['in_progress', 'outcome_unknown']).toContain(await summarize(executeIdempotently(operation, late)));
    expect((await recordOf(store.inner, recordNameIn(store)))?.state).toBe('in_progress');
    expect(calls).toEqual([]);
  });

  it('is not asked about a first attempt, nor about one that failed and freed its key', async () => {
    const { store } = open();
    const options: Options = {
      onAbandoned: () => {
        throw new Error('asked');
      },
    };
    let runs = 0;
    const operation = () => {
      runs += 1;
      if (runs === 1) throw new Error('declined');
      return 'paid';
    };
    expect(await summarize(executeIdempotently(operation, callOptions(store, options)))).toBe('Error: declined');
    expect(await summarize(executeIdempotently(operation, callOptions(store, options)))).toBe('paid, recorded');
  });
});
