// The errors of makeIdempotent let a queue decide, and are recognised across two copies of the package.
import { createRequire } from 'node:module';
import * as esm from '@onceguard/core';
import { failsBefore } from '@onceguard/testing';
import { describe, expect, it } from 'vitest';
import { newGate } from '../../packages/testing/src/adapter-suite/support/gate.js';
import { memoryTestbed } from './store-testbed.js';

const { makeIdempotent } = esm;

type Input = { readonly id: string; readonly amount?: number };

function payment(operation: () => unknown, options: object = {}) {
  const world = memoryTestbed();
  const pay = makeIdempotent<Input, unknown>(operation, {
    store: world.store,
    scope: 'tests',
    key: ({ id }) => id,
    ...options,
  });
  return { ...world, pay };
}

const failure = (call: Promise<unknown>) =>
  call.then(
    () => expect.unreachable('It did not fail.'),
    (error) => error,
  );

describe('A function that has no result to give rejects with', () => {
  it('an InProgressError, and when to come back, while another attempt runs', async () => {
    const gate = newGate();
    const { pay, store } = payment(() => gate.opened);
    const first = pay({ id: '1' });
    await store.waitForCalls('acquire', 1);
    const error = await failure(pay({ id: '1' }));
    expect(error).toBeInstanceOf(esm.InProgressError);
    expect(error).toMatchObject({ code: 'in_progress', retryable: true, retryAfterMs: 1_000 });
    gate.open();
    await first;
  });

  it('a KeyReusedError for another payload', async () => {
    const { pay } = payment(() => 'paid');
    await pay({ id: '1', amount: 5 });
    const error = await failure(pay({ id: '1', amount: 6 }));
    expect(error).toBeInstanceOf(esm.KeyReusedError);
    expect(error).toMatchObject({ code: 'key_reused', retryable: false });
  });

  it('an OutcomeUnknownError where somebody has to decide', async () => {
    const decline = () => Promise.reject(new Error('declined'));
    const { pay } = payment(decline, { onFailure: 'unknown' });
    await failure(pay({ id: '1' }));
    const error = await failure(pay({ id: '1' }));
    expect(error).toBeInstanceOf(esm.OutcomeUnknownError);
    expect(error).toMatchObject({ code: 'outcome_unknown', retryable: false, retryAfterMs: null });
  });

  it('a OutcomeExpiredError, and when it was done, where the result is no longer kept', async () => {
    const { pay, advance, store } = payment(() => 'paid', { ttlMs: 60_000, tombstoneMs: 120_000 });
    await pay({ id: '1' });
    const { now } = await store.inner.read('x');
    advance(60_000);
    const error = await failure(pay({ id: '1' }));
    expect(error).toBeInstanceOf(esm.OutcomeExpiredError);
    expect(error).toMatchObject({ code: 'expired', retryable: false, completedAt: now });
    advance(60_000);
    expect(await pay({ id: '1' })).toBe('paid');
  });

  it('a StoreError, with its class, where the store does not answer', async () => {
    const { pay, store } = payment(() => 'paid');
    store.injectFault('acquire', failsBefore('unknown'));
    const error = await failure(pay({ id: '1' }));
    expect(error).toBeInstanceOf(esm.StoreError);
    expect(error).toMatchObject({ code: 'store_unavailable', retryable: true, class: 'unknown' });
  });

  it.each<[string, () => Promise<never>]>([
    ['rejects with another error', () => Promise.reject(new TypeError('no such host'))],
    ['answers with nothing', () => Promise.resolve(undefined as never)],
    [
      'throws',
      () => {
        throw new TypeError('no such host');
      },
    ],
  ])('a StoreError too where a store breaks its promise and %s', async (_, acquire) => {
    const store = new esm.MemoryStore({ callTimeoutMs: 50 });
    store.acquire = acquire;
    const pay = makeIdempotent<Input, unknown>(() => 'paid', { store, scope: 'tests', key: ({ id }) => id });
    const error = await failure(pay({ id: '1' }));
    expect(error).toMatchObject({ name: 'StoreError', class: 'unknown', cause: expect.any(TypeError) });
  });

  it('what the function threw, as it is', async () => {
    const declined = new Error('declined');
    const { pay } = payment(() => Promise.reject(declined));
    expect(await failure(pay({ id: '1' }))).toBe(declined);
  });
});

describe('A class that extends an error of this package', () => {
  const named = (name: string) => new Function('base', `return class ${name} extends base {}`)(esm.StoreError);
  const [Ours, Theirs] = [named('t'), named('t')];

  it('is told apart from another one, whatever a minifier calls them', () => {
    const error = new Ours('unavailable', 'away');
    expect(
      [Ours, Theirs, esm.StoreError, esm.IdempotencyError, esm.KeyReusedError].map((of) => error instanceof of),
    ).toEqual([true, false, true, true, false]);
  });

  it('has the name of the class that it extends, or that of its static errorName', () => {
    class LedgerError extends esm.IdempotencyError {
      static override readonly errorName: string = 'LedgerError';
    }
    expect(new Ours('unavailable', 'away').name).toBe('StoreError');
    expect(new LedgerError('outcome_invalid', 'no such entry').name).toBe('LedgerError');
  });

  it('is recognised across two copies of itself by its static errorName', () => {
    const copy = (base: typeof esm.IdempotencyError) =>
      class extends base {
        static override readonly errorName: string = 'LedgerError';
      };
    const [One, Other] = [copy(esm.IdempotencyError), copy(esm.IdempotencyError)];
    expect(new One('outcome_invalid', 'no such entry') instanceof Other).toBe(true);
    expect(new esm.IdempotencyError('outcome_invalid', 'no such result') instanceof Other).toBe(false);
  });
});

describe('Two copies of the package in one process', () => {
  const cjs = createRequire(import.meta.url)('@onceguard/core') as typeof esm;

  it('are two copies', () => expect(cjs.IdempotencyError).not.toBe(esm.IdempotencyError));

  const instances = ({ InProgressError, KeyReusedError, OutcomeUnknownError, ...rest }: typeof esm) => ({
    InProgressError: new InProgressError(5),
    KeyReusedError: new KeyReusedError(),
    OutcomeUnknownError: new OutcomeUnknownError(null),
    OutcomeExpiredError: new rest.OutcomeExpiredError(0),
    LeaseLostError: new rest.LeaseLostError('x'),
    ConfigurationError: new rest.ConfigurationError('option_invalid', 'x'),
    StoreError: new rest.StoreError('unavailable', 'x'),
  });
  type Name = keyof ReturnType<typeof instances>;
  const names = Object.keys(instances(esm)) as Name[];

  it.each(names)('recognise each other’s errors, and tell them apart: %s', (name) => {
    for (const [one, other] of [
      [esm, cjs],
      [cjs, esm],
    ] as const) {
      const error = instances(one)[name];
      expect(error).toBeInstanceOf(Error);
      expect(error instanceof other.IdempotencyError).toBe(true);
      expect(names.filter((of) => error instanceof other[of])).toEqual([name]);
      expect(error.name).toBe(name);
    }
  });

  it('work on one store: the store of one, the engine of the other', async () => {
    const { store } = memoryTestbed();
    store.injectFault('acquire', failsBefore(), 1);
    const options = { store, scope: 'tests', key: 'payment-1' };
    expect(await cjs.executeIdempotently(() => 'paid', options)).toMatchObject({ kind: 'executed', recorded: true });
    expect(await esm.executeIdempotently(() => 'never', options)).toMatchObject({ kind: 'replayed', value: 'paid' });
  });
});
