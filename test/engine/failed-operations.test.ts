// An operation that throws: its caller gets the error, and its key is free or its outcome unknown, as the options say.
import { executeIdempotently, type OperationContext, paymentPolicy } from '@onceguard/core';
import { type FaultStore, failsBefore } from '@onceguard/testing';
import { expect, it } from 'vitest';
import { summarize } from './execution-summary.js';
import { memoryTestbed, onEveryStore, stateAfterDrain } from './store-testbed.js';

const declined = new Error('declined');

const throwDeclined = () => {
  throw declined;
};

const pay = (store: FaultStore, operation: (context: OperationContext) => unknown, options: object = {}) =>
  executeIdempotently(operation, { store, scope: 'tests', key: 'payment-1', ...options });

onEveryStore('An operation that throws', (open) => {
  it.each([
    ['at once', () => throwDeclined()],
    ['later', async () => throwDeclined()],
  ])('%s passes its throw on to its caller, and the next one runs as attempt 2', async (_when, operation) => {
    const { store } = open();
    await expect(pay(store, operation)).rejects.toBe(declined);
    expect(await stateAfterDrain(store)).toBe('retryable');
    expect(await pay(store, () => 'paid')).toMatchObject({ kind: 'executed', value: 'paid', attempt: 2 });
  });

  it('aborts the signal of whatever still works for it, and its reason says that the key is free', async () => {
    const { store } = open();
    let signal: AbortSignal | undefined;
    const operation = (context: OperationContext) => {
      signal = context.signal;
      throw declined;
    };
    await expect(pay(store, operation)).rejects.toBe(declined);
    expect(signal?.reason).toMatchObject({ name: 'LeaseLostError', code: 'lease_lost' });
    expect(String(signal?.reason)).toContain('its key is free for a retry');
  });

  it('does not abort it where the key is not freed', async () => {
    const { store } = open();
    const signals: AbortSignal[] = [];
    const noting = (end: () => unknown) => (context: OperationContext) => {
      signals.push(context.signal);
      return end();
    };
    await expect(pay(store, noting(throwDeclined), paymentPolicy)).rejects.toBe(declined);
    await executeIdempotently(
      noting(() => 'paid'),
      { store, scope: 'tests', key: 'payment-2' },
    );
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
  });

  it('leaves its key in doubt with onFailure "unknown": nobody runs, whatever their own options', async () => {
    const { store } = open();
    await expect(pay(store, throwDeclined, { onFailure: 'unknown' })).rejects.toBe(declined);
    expect(await stateAfterDrain(store)).toBe('unknown');
    expect(await summarize(pay(store, () => 'paid'))).toBe('outcome_unknown');
  });

  it('leaves its key in doubt with the payments preset', async () => {
    const { store } = open();
    await expect(pay(store, throwDeclined, paymentPolicy)).rejects.toBe(declined);
    expect(await summarize(pay(store, () => 'paid', paymentPolicy))).toBe('outcome_unknown');
  });
});

onEveryStore('An operation that says that nothing happened', (open) => {
  const declineUnharmed = ({ markNothingHappened }: OperationContext) => {
    markNothingHappened();
    throw declined;
  };

  it('and throws frees its key, although failures are unknown', async () => {
    const { store } = open();
    await expect(pay(store, declineUnharmed, paymentPolicy)).rejects.toBe(declined);
    expect(await stateAfterDrain(store)).toBe('retryable');
    expect(await pay(store, () => 'paid', paymentPolicy)).toMatchObject({
      kind: 'executed',
      value: 'paid',
      attempt: 2,
    });
  });

  it('and throws may come again with another payload', async () => {
    const { store } = open();
    const unharmed = pay(store, declineUnharmed, { ...paymentPolicy, fingerprint: 'wrong' });
    await expect(unharmed).rejects.toBe(declined);
    expect(await summarize(pay(store, () => 'paid', { ...paymentPolicy, fingerprint: 'corrected' }))).toBe(
      'paid, recorded',
    );
  });

  it('and returns has its result recorded all the same', async () => {
    const { store } = open();
    const pays = ({ markNothingHappened }: OperationContext) => {
      markNothingHappened();
      return 'paid';
    };
    expect(await summarize(pay(store, pays, paymentPolicy))).toBe('paid, recorded');
    expect(await summarize(pay(store, pays, paymentPolicy))).toBe('paid, replayed');
  });

  it('and throws a final error has that recorded all the same', async () => {
    const { store } = open();
    const final = { ...paymentPolicy, finalErrors: [Error] };
    await expect(pay(store, declineUnharmed, final)).rejects.toBe(declined);
    await expect(pay(store, () => expect.unreachable('It ran again.'), final)).rejects.toThrow('declined');
  });

  it('leaves its key in doubt where a step that may run once began', async () => {
    const { store } = open();
    const charges = async ({ step, markNothingHappened }: OperationContext) => {
      markNothingHappened();
      await step('charge', throwDeclined, { atMostOnce: true });
    };
    await expect(pay(store, charges)).rejects.toBe(declined);
    expect(await stateAfterDrain(store)).toBe('unknown');
  });

  it('frees its key only for the attempt that said so', async () => {
    const { store } = open();
    await expect(pay(store, declineUnharmed, paymentPolicy)).rejects.toBe(declined);
    await expect(pay(store, throwDeclined, paymentPolicy)).rejects.toBe(declined);
    expect(await stateAfterDrain(store)).toBe('unknown');
  });
});

it('An operation that runs without a record may say that nothing happened, too', async () => {
  const { store } = memoryTestbed();
  store.injectFault('acquire', failsBefore());
  const operation = ({ markNothingHappened }: OperationContext) => {
    markNothingHappened();
    return 'paid';
  };
  expect(await summarize(pay(store, operation, { onStoreUnavailable: 'bypass' }))).toBe('paid, unrecorded');
});
