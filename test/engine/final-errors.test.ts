// Errors that are an outcome: recorded, and thrown again on every repeat; all others free the key.
import {
  execute,
  InProgressError,
  LeaseLostError,
  makeIdempotent,
  OutcomeUnknownError,
  StoreError,
} from '@onceguard/core';
import { expect, it } from 'vitest';
import { nameIn, onEveryStore, recordOf } from './world.js';

class CardDeclined extends Error {
  override readonly name = 'CardDeclined';
  readonly code = 'card_declined';
}

class LostCard extends CardDeclined {}

class Nameless extends Error {}

class Misnamed extends CardDeclined {}

async function thrownBy(call: () => Promise<unknown>): Promise<unknown> {
  return await call().then(
    () => expect.unreachable('It did not throw.'),
    (error: unknown) => error,
  );
}

onEveryStore('A final error', (open) => {
  const paying = (store: ReturnType<typeof open>['store'], error: unknown, options: object = {}) => {
    const work = { runs: 0 };
    const pay = makeIdempotent(
      (_order: string) => {
        work.runs += 1;
        throw error;
      },
      { store, scope: 'tests', key: (order) => order, finalErrors: [CardDeclined, RangeError], ...options },
    );
    return { work, pay: () => thrownBy(() => pay('order-1')) };
  };

  it.each([
    ['of a class that is named', new CardDeclined('no funds'), 'CardDeclined'],
    ['of a class that extends one', new LostCard('lost'), 'CardDeclined'],
    ['of a class that Node has', new RangeError('too much'), 'RangeError'],
  ])('%s is recorded, and comes back with its name, message and code', async (_what, error, name) => {
    const { store } = open();
    const { work, pay } = paying(store, error);
    expect(await pay()).toBe(error);
    const again = await pay();
    expect(again).toBeInstanceOf(Error);
    expect(again).toMatchObject({ name, message: error.message });
    expect((again as { code?: string }).code).toBe((error as { code?: string }).code);
    expect(work.runs).toBe(1);
  });

  it.each([
    ['that has a name of its own', new CardDeclined('no funds'), CardDeclined],
    ['that it extends', new LostCard('lost'), CardDeclined],
    ['that never set a name', new Nameless('lost'), Nameless],
    ['that has the name of another', new Misnamed('lost'), Misnamed],
  ])('is an instance of the class that is named: one %s', async (_what, error, errorClass) => {
    const { store } = open();
    const { pay } = paying(store, error, { finalErrors: [CardDeclined, Misnamed, Nameless] });
    const [first, again] = [await pay(), await pay()];
    expect(again).toBeInstanceOf(errorClass);
    expect(again).toMatchObject({ name: (first as Error).name, message: (first as Error).message });
  });

  it('may be picked by a function', async () => {
    const { store } = open();
    const error = Object.assign(new Error('no funds'), { code: 402 });
    const { work, pay } = paying(store, error, { finalErrors: (thrown: { code?: unknown }) => thrown.code === 402 });
    await pay();
    expect(await pay()).toMatchObject({ name: 'Error', message: 'no funds', code: 402 });
    expect(work.runs).toBe(1);
  });

  it('comes back with its causes', async () => {
    const { store } = open();
    const root = Object.assign(new TypeError('bad number'), { code: 'E1' });
    const { pay } = paying(store, new CardDeclined('no', { cause: new Error('bank', { cause: root }) }));
    await pay();
    const again = (await pay()) as Error & { cause: Error };
    expect(again.cause).toMatchObject({ name: 'Error', message: 'bank' });
    expect(again.cause.cause).toMatchObject({ name: 'TypeError', message: 'bad number', code: 'E1' });
  });

  it('is recorded without what is in its cause, where the options say so, and never with its stack', async () => {
    const { store } = open();
    const { pay } = paying(store, new CardDeclined('no', { cause: { card: '4242' } }), { recordCause: false });
    await pay();
    expect(await pay()).not.toHaveProperty('cause');
    const record = await recordOf(store.inner, nameIn(store));
    const bytes = Buffer.from(record?.outcome ?? []).toString();
    expect(bytes).toContain('CardDeclined');
    expect(bytes).not.toMatch(/4242|final-errors\.test/);
  });

  it('whose cause leads back to itself is recorded all the same', async () => {
    const { store } = open();
    const error = new CardDeclined('no');
    error.cause = error;
    const { work, pay } = paying(store, error);
    await pay();
    expect(await pay()).toMatchObject({ message: 'no' });
    expect(work.runs).toBe(1);
  });

  it('is not one that is not named: that frees the key', async () => {
    const { store } = open();
    const { work, pay } = paying(store, new Error('no connection'));
    await pay();
    await pay();
    expect(work.runs).toBe(2);
  });

  it('is an outcome where failures are unknown, too', async () => {
    const { store } = open();
    const { pay } = paying(store, new CardDeclined('no funds'), { onFailure: 'unknown' });
    await pay();
    expect(await pay()).toBeInstanceOf(CardDeclined);
    const other = makeIdempotent(
      () => {
        throw new Error('no connection');
      },
      { store, scope: 'tests', key: () => 'order-2', onFailure: 'unknown', finalErrors: [CardDeclined] },
    );
    await thrownBy(() => other(undefined));
    expect(await thrownBy(() => other(undefined))).toBeInstanceOf(OutcomeUnknownError);
  });

  it('leaves results as they are, whatever they look like', async () => {
    const { store } = open();
    for (const [n, value] of ['!', '!{"name":"x"}', { $error: 1 }, ['!']].entries()) {
      const options = { store, scope: 'tests', key: `order-${n}`, finalErrors: [Error] };
      await execute(() => value, options);
      expect(await execute(() => 'never', options)).toMatchObject({ kind: 'replayed', value });
    }
  });

  it.each([
    ['another caller is at it', new InProgressError(10)],
    ['its lease was lost', new LeaseLostError('it is over')],
    ['nobody knows', new OutcomeUnknownError(null)],
    ['a store did not answer', new StoreError('unavailable', 'away')],
  ])('is never one that says that %s, whatever the options say', async (_what, error) => {
    const { store } = open();
    const { work, pay } = paying(store, error, { finalErrors: [Error] });
    expect([await pay(), await pay()]).toEqual([error, error]);
    expect(work.runs).toBe(2);
  });
});

onEveryStore('A recorded result', (open) => {
  it('that does not fit the schema of a new version is told, and nothing runs', async () => {
    const { store } = open();
    const options = { store, scope: 'tests', key: 'order-1' };
    await execute(() => 'of the old shape', options);
    const result = {
      parse(): number {
        throw new Error('a number was expected');
      },
    };
    const again = execute<number>(() => expect.unreachable('It ran.'), { ...options, result });
    await expect(again).rejects.toMatchObject({
      code: 'outcome_invalid',
      message: expect.stringMatching(/does not fit its schema/),
    });
  });

  it('comes back as the schema makes it', async () => {
    const { store } = open();
    const options = { store, scope: 'tests', key: 'order-1', result: { parse: (value: unknown) => ({ value }) } };
    await execute<unknown>(() => 'paid', options);
    expect(await execute<unknown>(() => 'never', options)).toMatchObject({ value: { value: 'paid' } });
  });
});
