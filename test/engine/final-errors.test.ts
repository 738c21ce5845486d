// Final errors are recorded and thrown again for every repeat. All other errors free the key.
import { createRequire } from 'node:module';
import {
  executeIdempotently,
  InProgressError,
  KeyReusedError,
  LeaseLostError,
  MemoryStore,
  makeIdempotent,
  OutcomeUnknownError,
  onEvent,
  StoreError,
} from '@onceguard/core';
import { expect, it } from 'vitest';
import { onEveryStore, recordNameIn, recordOf } from './store-testbed.js';

class CardDeclined extends Error {
  override readonly name = 'CardDeclined';
  readonly code = 'card_declined';
}

class LostCard extends CardDeclined {}

class Nameless extends Error {}

class Misnamed extends CardDeclined {}

/** Two classes after a minifier: their names depend on the build. */
function minifiedClasses(
  declined: string,
  limited: string,
): Record<'CardDeclined' | 'LimitExceeded', ErrorConstructor> {
  const source = `class ${declined} extends Error {}; class ${limited} extends Error {};`;
  return new Function(`${source} return { CardDeclined: ${declined}, LimitExceeded: ${limited} };`)();
}

const warnings: string[] = [];
onEvent('warning', ({ code }) => warnings.push(code));

async function thrownBy(call: () => Promise<unknown>): Promise<unknown> {
  return await call().then(
    () => expect.unreachable('It did not throw.'),
    (error: unknown) => error,
  );
}

it('A list whose classes have names that a minifier made is warned of, once', () => {
  const options = { store: new MemoryStore(), scope: 'tests', key: () => 'order-1' };
  for (const form of [{ finalErrors: minifiedClasses('t', 'e') }, { finalErrors: [CardDeclined] }, {}]) {
    makeIdempotent(() => 'paid', { ...options, ...form });
  }
  expect(warnings).toEqual([]);
  for (const _ of [1, 2])
    makeIdempotent(() => 'paid', { ...options, finalErrors: Object.values(minifiedClasses('t', 'e')) });
  expect(warnings).toEqual(['final_error_name_changes']);
});

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

  it('is an instance of the class of a record, whatever a minifier made of its name in another build', async () => {
    const { store } = open();
    const [before, after] = [minifiedClasses('t', 'e'), minifiedClasses('e', 't')];
    const first = paying(store, new before.CardDeclined('no funds'), { finalErrors: before });
    const second = paying(store, new Error('never thrown'), { finalErrors: after });
    await first.pay();
    const again = await second.pay();
    expect(again).toMatchObject({ name: 'Error', message: 'no funds' });
    expect(again).toBeInstanceOf(after.CardDeclined);
    expect(again).not.toBeInstanceOf(after.LimitExceeded);
    expect(second.work.runs).toBe(0);
  });

  it('is an instance of its class in a list, in every process of the same minified build', async () => {
    const { store } = open();
    const classes = Object.values(minifiedClasses('t', 'e'));
    const sameBuild = Object.values(minifiedClasses('t', 'e'));
    const [declined = Error] = classes;
    await paying(store, new declined('no funds'), { finalErrors: classes }).pay();
    expect(await paying(store, new Error('never thrown'), { finalErrors: sameBuild }).pay()).toBeInstanceOf(
      sameBuild[0],
    );
  });

  it('is a plain Error, and never of another class, where a list met another minified build', async () => {
    const { store } = open();
    const [before, after] = [Object.values(minifiedClasses('t', 'e')), Object.values(minifiedClasses('e', 't'))];
    const [declined = Error] = before;
    await paying(store, new declined('no funds'), { finalErrors: before }).pay();
    const again = await paying(store, new Error('never thrown'), { finalErrors: after }).pay();
    expect(again).toMatchObject({ name: 'Error', message: 'no funds' });
    expect(Object.getPrototypeOf(again)).toBe(Error.prototype);
  });

  it.each([
    ['a static errorName', { errorName: 'CardDeclined' }],
    ['a static code', { code: 'card_declined' }],
  ])('is an instance of its class in a list where the class has %s, in every build', async (_what, fixed) => {
    const { store } = open();
    const [before, after] = [minifiedClasses('t', 'e'), minifiedClasses('e', 't')];
    for (const build of [before, after]) Object.assign(build.CardDeclined, fixed);
    const listed = ({ CardDeclined, LimitExceeded }: typeof before) => [LimitExceeded, CardDeclined];
    await paying(store, new before.CardDeclined('no funds'), { finalErrors: listed(before) }).pay();
    const again = await paying(store, new Error('never thrown'), { finalErrors: listed(after) }).pay();
    expect(again).toBeInstanceOf(after.CardDeclined);
  });

  it('of a class of this package is recognised by every copy of it when it comes back', async () => {
    const { store } = open();
    const { pay } = paying(store, new KeyReusedError(), { finalErrors: { KeyReusedError } });
    await pay();
    const again = await pay();
    expect(again).toBeInstanceOf(KeyReusedError);
    const { KeyReusedError: ofOtherCopy } = createRequire(import.meta.url)('@onceguard/core');
    expect(again instanceof ofOtherCopy).toBe(true);
  });

  it('of a class that was given another name is restored under the old name, too', async () => {
    const { store } = open();
    await paying(store, new CardDeclined('no funds'), { finalErrors: { CardDeclined } }).pay();
    const renamed = { CardRefused: LostCard, CardDeclined: LostCard };
    expect(await paying(store, new Error('never thrown'), { finalErrors: renamed }).pay()).toBeInstanceOf(LostCard);
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
    const record = await recordOf(store.inner, recordNameIn(store));
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

  it('is only one that finalErrors names: any other error frees the key', async () => {
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
      await executeIdempotently(() => value, options);
      expect(await executeIdempotently(() => 'never', options)).toMatchObject({ kind: 'replayed', value });
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
