// onAbandoned: a function that finds out what became of work whose owner vanished.
import {
  done,
  type ExecuteOptions,
  type Execution,
  execute,
  notDone,
  type OperationContext,
  type RecoverContext,
  stillUnknown,
} from '@onceguard/core';
import { expect, it } from 'vitest';
import { untilAborted } from '../support/aborted.js';
import { abandon, call, never } from './abandoned.js';
import { told } from './told.js';
import { nameIn, onEveryStore, recordOf, stateOf } from './world.js';

/** Ordered work: reserve, charge (once at most), send. */
function shop(vanishAt: string | null = null) {
  const calls: string[] = [];
  const keys = new Map<string, string>();
  const act =
    (name: string) =>
    async ({ key }: { key: string }) => {
      calls.push(name);
      keys.set(name, key);
      if (name === vanishAt) return await never();
      return `${name} ok`;
    };
  const operation = async ({ step }: OperationContext) => {
    await step('reserve', act('reserve'));
    await step('charge', act('charge'), { atMostOnce: true });
    await step('send', act('send'));
    return 'sold';
  };
  return { calls, keys, operation };
}

type Options = Partial<ExecuteOptions<unknown>>;

onEveryStore('A recover function', (open) => {
  it('is told the recorded steps, the steps in doubt, and their keys', async () => {
    const { store } = open();
    const vanished = shop('charge');
    const recover = (context: RecoverContext) => {
      told1.push(context);
      return stillUnknown();
    };
    const told1: RecoverContext[] = [];
    await abandon(store, vanished.operation, { onAbandoned: recover });
    expect(await told(execute(shop().operation, call(store, { onAbandoned: recover })))).toBe('unknown');
    expect(told1).toHaveLength(1);
    expect(told1[0]).toMatchObject({
      key: 'order-1',
      attempt: 2,
      takeover: true,
      steps: new Map([['reserve', 'reserve ok']]),
      inDoubt: [{ name: 'charge', key: vanished.keys.get('charge') }],
    });
  });

  it('that finds the work done has its result recorded; the operation does not run', async () => {
    const { store } = open();
    const options: Options = { onAbandoned: () => done('sold, says the bank') };
    await abandon(store, shop('charge').operation, options);
    const { operation, calls } = shop();
    expect(await told(execute(operation, call(store, options)))).toBe('sold, says the bank, recorded');
    expect(await told(execute(operation, call(store, options)))).toBe('sold, says the bank, replayed');
    expect(calls).toEqual([]);
  });

  it('that finds the work not done lets the operation go on from the recorded steps', async () => {
    const { store } = open();
    const options: Options = { onAbandoned: () => notDone() };
    await abandon(store, shop('charge').operation, options);
    const { operation, calls } = shop();
    expect(await told(execute(operation, call(store, options)))).toBe('sold, recorded');
    expect(calls).toEqual(['charge', 'send']);
  });

  it('is asked again when the attempt that it let go on is abandoned too', async () => {
    const { store } = open();
    const doubts: string[][] = [];
    const options: Options = {
      onAbandoned: ({ inDoubt }) => {
        doubts.push(inDoubt.map(({ name }) => name));
        return notDone();
      },
    };
    await abandon(store, shop('charge').operation, options);
    await abandon(store, shop('send').operation, options);
    expect(await told(execute(shop().operation, call(store, options)))).toBe('sold, recorded');
    expect(doubts).toEqual([['charge'], []]);
  });

  it('that finds that steps happened has them recorded: the operation goes on behind them, those in doubt run again', async () => {
    const { store } = open();
    const begin = async ({ step }: OperationContext) => {
      await step('reserve', () => 'reserved before');
      await Promise.all(['charge', 'mail'].map((name) => step(name, never, { atMostOnce: true })));
    };
    const onAbandoned = () => notDone({ charge: { id: 'ch_1' }, ship: 'sh_1', reserve: 'known better' });
    await abandon(store, begin, { onAbandoned });
    const ran: string[] = [];
    const operation = async ({ step }: OperationContext) => {
      const act = (name: string) => step(name, () => `${ran.push(name)}`, { atMostOnce: true });
      return [await act('reserve'), await act('charge'), await act('ship'), await act('mail')];
    };
    const end = await execute(operation, call(store, { onAbandoned }));
    expect(end).toMatchObject({ kind: 'executed', value: ['reserved before', { id: 'ch_1' }, 'sh_1', '1'] });
    expect(ran).toEqual(['mail']);
  });

  it.each([
    ['a name that no step has', { 'two words': 1 }, 'step_invalid'],
    ['what cannot be recorded', { charge: () => {} }, 'outcome_invalid'],
  ])('that gives %s decides nothing', async (_what, happened, code) => {
    const { store } = open();
    const options: Options = { onAbandoned: () => notDone(happened) };
    await abandon(store, shop('charge').operation, options);
    const { operation, calls } = shop();
    await expect(execute(operation, call(store, options))).rejects.toMatchObject({ code });
    expect([calls, await stateOf(store)]).toEqual([[], 'unknown']);
  });

  it('that cannot tell is not asked again before the time that it gave', async () => {
    const { store } = open();
    let asked = 0;
    const options: Options = {
      onAbandoned: () => {
        asked += 1;
        return asked === 1 ? stillUnknown(60_000) : done('sold');
      },
    };
    await abandon(store, shop('charge').operation, options);
    const end = await execute(shop().operation, call(store, options));
    expect(end).toEqual({ kind: 'unknown', retryAfterMs: 60_000, recordName: nameIn(store) });
    expect(await execute(shop().operation, call(store, options))).toEqual({
      kind: 'unknown',
      recordName: nameIn(store),
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
    await abandon(store, shop('charge').operation, options);
    expect(await told(execute(shop().operation, call(store, options)))).toBe('Error: the bank is closed');
    expect(await stateOf(store)).toBe('unknown');
    expect(await told(execute(shop().operation, call(store, { onAbandoned: () => done('sold') })))).toBe(
      'sold, recorded',
    );
  });

  it.each([undefined, null, true, {}, { found: 'perhaps' }, 'not_done'])(
    'that answers %o decides nothing: the operation does not run, and its caller is told',
    async (answer) => {
      const { store } = open();
      const options: Options = { onAbandoned: () => answer as never };
      await abandon(store, shop('charge').operation, options);
      const { operation, calls } = shop();
      await expect(execute(operation, call(store, options))).rejects.toMatchObject({
        code: 'argument_invalid',
        message: expect.stringContaining('done(…), notDone() or stillUnknown()'),
      });
      expect([calls, await stateOf(store)]).toEqual([[], 'unknown']);
    },
  );

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('cannot be asked again in %d ms', async (ms) => {
    const { store } = open();
    const options: Options = { onAbandoned: () => stillUnknown(ms) };
    await abandon(store, shop('charge').operation, options);
    const repeat = execute(shop().operation, call(store, options));
    await expect(repeat).rejects.toMatchObject({
      code: 'argument_invalid',
      message: expect.stringMatching(/number of milliseconds/),
    });
    expect(await stateOf(store)).toBe('unknown');
  });

  it('is asked again in whole milliseconds, rounded up', () => {
    expect(stillUnknown(0.5)).toEqual({ found: 'still_unknown', retryAfterMs: 1 });
  });

  it('is asked again in whole milliseconds, and no earlier than it said', () => {
    expect(stillUnknown(0.5)).toEqual({ found: 'still_unknown', retryAfterMs: 1 });
  });

  it('is asked about an outcome that the options or a step made unknown, too', async () => {
    const { store } = open();
    const options: Options = { onAbandoned: () => done('sold after all'), onFailure: 'unknown' };
    const failing = () => {
      throw new Error('no connection');
    };
    expect(await told(execute(failing, call(store, options)))).toBe('Error: no connection');
    expect(await told(execute(failing, call(store, options)))).toBe('sold after all, recorded');
  });

  it('runs for one of several callers; the others are told in_progress', async () => {
    const { store } = open();
    let asked = 0;
    const ends: Promise<Execution<unknown>>[] = [];
    const repeat = () => execute(shop().operation, call(store, options));
    const options: Options = {
      onAbandoned: async () => {
        asked += 1;
        ends.push(repeat(), repeat());
        expect((await Promise.all(ends)).map(({ kind }) => kind)).toEqual(['in_progress', 'in_progress']);
        return done('sold');
      },
    };
    await abandon(store, shop('charge').operation, options);
    expect(await told(repeat())).toBe('sold, recorded');
    expect(asked).toBe(1);
  });

  it('that found out after its lease was over decides nothing', async () => {
    const { store } = open();
    await abandon(store, shop('charge').operation, { onAbandoned: () => notDone() });
    const slow = async ({ signal }: RecoverContext) => {
      await untilAborted(signal);
      return done('too late');
    };
    const { operation, calls } = shop();
    const late = { ...call(store, { onAbandoned: slow }), leaseMs: 80, maxExecutionMs: 10 };
    // To the store its lease holds a little longer, unless this process is slow to ask.
    expect(['in_progress', 'unknown']).toContain(await told(execute(operation, late)));
    expect((await recordOf(store.inner, nameIn(store)))?.state).toBe('in_progress');
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
    expect(await told(execute(operation, call(store, options)))).toBe('Error: declined');
    expect(await told(execute(operation, call(store, options)))).toBe('paid, recorded');
  });
});
