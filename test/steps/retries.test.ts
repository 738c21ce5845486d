// Retries of a step within one attempt: how often, when and whether its function is called again, and what is on record meanwhile.
import {
  ConfigurationError,
  type Events,
  executeIdempotently,
  InProgressError,
  LeaseLostError,
  type OperationContext,
  onEvent,
  type StepContext,
  type StepOptions,
} from '@onceguard/core';
import { failsBefore } from '@onceguard/testing';
import { expect, it } from 'vitest';
import { callOptions } from '../engine/abandoned-work.js';
import { briefLease, executeUnderBriefLease } from '../engine/brief-lease.js';
import { summarize } from '../engine/execution-summary.js';
import { briefTimeout, onEveryStore, recordNameIn } from '../engine/store-testbed.js';

class Declined extends Error {}

const shortWaits = { initialMs: 1, factor: 1 };
const asValue = (error: unknown) => error;

/** The step `charge` as the whole operation, and what its function was given. */
function chargeFailing(
  failures: number,
  options: StepOptions<unknown>,
  failure: () => unknown = () => new Error('busy'),
) {
  const contexts: StepContext[] = [];
  const charge = (context: StepContext) => {
    contexts.push(context);
    if (contexts.length <= failures) throw failure();
    return `charged in try ${context.tryNumber}`;
  };
  const operation = async ({ step }: OperationContext) => await step('charge', charge, options);
  return { contexts, operation };
}

/** The events of this name that are published while `act` runs. */
async function eventsDuring<Name extends 'step_retried'>(name: Name, act: () => Promise<unknown>) {
  const events: Events[Name][] = [];
  const stop = onEvent(name, (event) => events.push(event));
  await act();
  stop();
  return events;
}

onEveryStore('A step with retries', (open) => {
  it('is tried again under the same key until it succeeds', async () => {
    const { store } = open();
    const { contexts, operation } = chargeFailing(2, { retries: 3, backoff: shortWaits });
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('charged in try 3, recorded');
    expect(contexts.map(({ tryNumber, attempt }) => [tryNumber, attempt])).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
    expect(new Set(contexts.map(({ key }) => key)).size).toBe(1);
    expect(store.callsOf('checkpoint')).toHaveLength(1);
  });

  it('that succeeded in its third try is not run again by a later attempt, which gets its result', async () => {
    const { store } = open();
    const { contexts, operation } = chargeFailing(2, { retries: 2, backoff: shortWaits });
    const failing = async (context: OperationContext) => {
      await operation(context);
      throw new Error('no stock');
    };
    expect(await summarize(executeIdempotently(failing, callOptions(store)))).toBe('Error: no stock');
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('charged in try 3, recorded');
    expect(contexts).toHaveLength(3);
  });

  it('throws the error of its last try, and the next attempt counts from the beginning', async () => {
    const { store } = open();
    const { contexts, operation } = chargeFailing(4, { retries: 1, backoff: shortWaits }, () => {
      return new Error(`busy ${contexts.length}`);
    });
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('Error: busy 2');
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('Error: busy 4');
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('charged in try 1, recorded');
    expect(contexts.map(({ tryNumber, attempt }) => [tryNumber, attempt])).toEqual([
      [1, 1],
      [2, 1],
      [1, 2],
      [2, 2],
      [1, 3],
    ]);
  });

  it('publishes every retry before it waits, with the wait that follows', async () => {
    const { store } = open();
    const error = new Error('busy');
    const backoff = { initialMs: 8, factor: 3, maxMs: 30 };
    const { contexts, operation } = chargeFailing(3, { retries: 3, backoff }, () => error);
    const startedAt = performance.now();
    const events = await eventsDuring('step_retried', () => executeIdempotently(operation, callOptions(store)));
    const subject = { store: store.name, recordName: recordNameIn(store), operation: 'operation' };
    const common = { ...subject, attempt: 1, step: 'charge', error };
    const retried = [1, 2, 3].map((tryNumber) => ({ ...common, tryNumber, delayMs: expect.any(Number) }));
    expect(events).toEqual(retried);
    for (const [index, longestMs] of [8, 24, 30].entries()) {
      expect(events[index]?.delayMs).toBeGreaterThanOrEqual(longestMs / 2);
      expect(events[index]?.delayMs).toBeLessThanOrEqual(longestMs);
    }
    const waitedMs = events.reduce((total, { delayMs }) => total + delayMs, 0);
    // Timers may be a millisecond early.
    expect(performance.now() - startedAt).toBeGreaterThan(waitedMs - 3);
    expect(contexts).toHaveLength(4);
  });

  it.each([
    ['an error of onceguard', () => new InProgressError(1), 1],
    ['a mistake in the program', () => new ConfigurationError('argument_invalid', 'no such account'), 1],
    ['a final error', () => new Declined('no money'), 1],
    ['any other error', () => new TypeError('fetch failed'), 2],
    ['something that is no error', () => 'busy', 2],
  ])('is by default tried again only where that may help: %s', async (_what, failure, tries) => {
    const { store } = open();
    const { contexts, operation } = chargeFailing(9, { retries: 1, backoff: shortWaits }, failure);
    const options = callOptions<unknown>(store, { finalErrors: { Declined } });
    await executeIdempotently<unknown>(operation, options).catch(asValue);
    expect(contexts).toHaveLength(tries);
  });

  it('is tried again where `retryable` says so, which is asked about every error', async () => {
    const { store } = open();
    const failures = [new InProgressError(1), new Declined('no money'), new Error('no such account')];
    const asked: unknown[] = [];
    const retryable = (error: unknown) => {
      asked.push(error);
      return error !== failures[2];
    };
    const { contexts, operation } = chargeFailing(9, { retries: 9, backoff: shortWaits, retryable }, () => {
      return failures[contexts.length - 1];
    });
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('Error: no such account');
    expect(asked).toEqual(failures);
    expect(contexts).toHaveLength(3);
  });

  it.each([
    ['is async', async () => true, { code: 'option_invalid', message: expect.stringMatching(/returned object/) }],
    [
      'throws',
      () => {
        throw new RangeError('no such case');
      },
      { name: 'RangeError' },
    ],
  ])('is not tried again where `retryable` %s', async (_what, retryable, error) => {
    const { store } = open();
    const options = { retries: 3, backoff: shortWaits, retryable: retryable as () => boolean };
    const { contexts, operation } = chargeFailing(9, options);
    await expect(executeIdempotently(operation, callOptions(store))).rejects.toMatchObject(error);
    expect(contexts).toHaveLength(1);
  });

  it('stops waiting at once when the lease is lost, and rejects with a LeaseLostError', async () => {
    const { store } = open();
    const { contexts, operation } = chargeFailing(9, { retries: 3, backoff: { initialMs: 600_000 } });
    let error: unknown;
    const noting = async (context: OperationContext) => {
      error = await operation(context).catch(asValue);
    };
    await executeUnderBriefLease(noting, { ...callOptions(store), ...briefLease }).catch(asValue);
    expect(error).toBeInstanceOf(LeaseLostError);
    expect(contexts).toHaveLength(1);
  });

  it('is not tried again after its operation has ended, and rejects with a LeaseLostError', async () => {
    const { store } = open();
    const { contexts, operation } = chargeFailing(9, { retries: 3, backoff: { initialMs: 200 } });
    let late: Promise<unknown> = Promise.resolve();
    const events = await eventsDuring('step_retried', async () => {
      const leaving = async (context: OperationContext) => {
        late = operation(context).catch(asValue);
        return 'paid';
      };
      expect(await summarize(executeIdempotently(leaving, callOptions(store)))).toBe('paid, recorded');
    });
    expect(await late).toMatchObject({ code: 'lease_lost', message: expect.stringMatching(/operation has ended/) });
    expect([events.length, contexts.length]).toEqual([1, 1]);
  });

  it('is tried again where a bypass runs it without a record', async () => {
    const { store } = open(briefTimeout);
    store.injectFault('acquire', failsBefore());
    const { operation } = chargeFailing(1, { retries: 1, backoff: shortWaits });
    const options = callOptions(store, { onStoreUnavailable: 'bypass' });
    const events = await eventsDuring('step_retried', async () => {
      expect(await summarize(executeIdempotently(operation, options))).toBe('charged in try 2, unrecorded');
    });
    expect(events).toMatchObject([{ store: store.name, recordName: recordNameIn(store), attempt: 1, tryNumber: 1 }]);
  });

  it.each([
    [{ retries: 1.5 }, /step\("charge"\): retries is 1\.5; it must be a whole number of retries from 0 to 100\./],
    [{ retries: 101 }, /retries is 101; .* For up to three more tries write 3\./],
    [{ backoff: 5 }, /backoff is 5; it must be \{ initialMs, factor, maxMs \}\./],
    [{ backoff: { initialMs: 0 } }, /backoff\.initialMs is 0; it must be a whole number of milliseconds from 1 to/],
    [{ backoff: { factor: 0.5 } }, /backoff\.factor is 0\.5; it must be a number from 1 to 100\. .* waits write 1\./],
    [{ backoff: { initialMs: 50, maxMs: 20 } }, /backoff\.maxMs is 20; it must be at least initialMs \(50\)\./],
    [{ backoff: { delayMs: 50 } }, /backoff\.delayMs is not an option/],
    [{ retryable: true }, /retryable is true; it must be a function that returns true or false\./],
    [{ resultSchema: 'text' }, /resultSchema is "text"; it must have a method parse, as zod schemas do\./],
    [{ atMostOnce: 'yes' }, /atMostOnce is "yes"; it must be a boolean\./],
    [{ retry: 3 }, /retry is not an option; the options are atMostOnce, .* retryable, transaction\./],
    [null, /the options argument is null; it must be an object\./],
  ])('refuses the options %j with name, value and remedy, and does not run', async (options, message) => {
    const { store } = open();
    const { contexts, operation } = chargeFailing(0, options as never);
    const error: unknown = await executeIdempotently(operation, callOptions(store)).catch(asValue);
    expect(error).toMatchObject({ code: 'option_invalid', message: expect.stringMatching(message) });
    expect([contexts.length, store.callsOf('checkpoint').length]).toEqual([0, 0]);
  });
});
