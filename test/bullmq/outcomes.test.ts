// A job whose work is done: what a job that comes after it is given, and what becomes of errors.

import { idempotentProcessor } from '@onceguard/bullmq';
import { KeyReusedError } from '@onceguard/core';
import { UnrecoverableError } from 'bullmq';
import { expect, test } from 'vitest';
import { type EventJob, eventKeyOf, onEveryMajor } from './queue-testbed.js';

class CardDeclined extends Error {
  override readonly name = 'CardDeclined';
  readonly code = 'card_declined';
}

onEveryMajor((world) => {
  test('a job for an event that is done completes with the recorded value, and nothing runs', async () => {
    let runs = 0;
    const charge = () => ({ charge: ++runs, at: new Date(0) });
    world().startWorker(idempotentProcessor(charge, { store: world().store, key: eventKeyOf }));

    const first = await world().untilCompleted(await world().addJob({ event: 'e1' }));
    const second = await world().untilCompleted(await world().addJob({ event: 'e1' }));

    expect(first.returnvalue).toEqual({ charge: 1, at: new Date(0).toISOString() });
    expect(second.returnvalue).toEqual(first.returnvalue);
    expect([second.attemptsMade, runs]).toEqual([1, 1]);
  });

  test('a job that is done and whose result was not kept completes without a value', async () => {
    let runs = 0;
    const charge = () => `a receipt ${++runs}`;
    world().startWorker(idempotentProcessor(charge, { store: world().store, key: eventKeyOf, maxOutcomeBytes: 1 }));

    expect((await world().untilCompleted(await world().addJob({ event: 'e1' }))).returnvalue).toBe('a receipt 1');
    expect((await world().untilCompleted(await world().addJob({ event: 'e1' }))).returnvalue).toBeNull();
    expect(runs).toBe(1);
  });

  test.each([
    { told: 'by classes', finalErrors: [CardDeclined] },
    {
      told: 'by a function',
      finalErrors: (error: unknown) => error instanceof Error && error.name === 'CardDeclined',
    },
  ])('an error that is an outcome ($told) is not retried, and fails the next job without running', async (final) => {
    let runs = 0;
    const decline = () => {
      runs += 1;
      throw new CardDeclined('no funds', { cause: { bank: 'b1' } });
    };
    const { finalErrors } = final;
    const failures = world().collectFailures(
      world().startWorker(idempotentProcessor(decline, { store: world().store, key: eventKeyOf, finalErrors })),
    );

    for (const _delivery of [1, 2]) {
      const failed = await world().untilFailed(await world().addJob({ event: 'e1' }, { attempts: 5 }));
      expect([failed.failedReason, failed.attemptsMade]).toEqual(['no funds', 1]);
      expect(failed.stacktrace?.[0]).toContain('CardDeclined: no funds');
    }
    expect(runs).toBe(1);
    for (const failure of failures) {
      expect(failure).toBeInstanceOf(UnrecoverableError);
      expect(failure.cause).toMatchObject({ name: 'CardDeclined', code: 'card_declined', cause: { bank: 'b1' } });
      expect(failure.cause instanceof CardDeclined).toBe(Array.isArray(finalErrors) || failure === failures[0]);
    }
    expect(failures).toHaveLength(2);
  });

  test('a job with another payload under the key fails for good, and leaves the outcome as it is', async () => {
    let runs = 0;
    const failures = world().collectFailures(
      world().startWorker(idempotentProcessor(() => ++runs, { store: world().store, key: eventKeyOf })),
    );

    await world().untilCompleted(await world().addJob({ event: 'e1', cents: 500 }));
    const other = await world().untilFailed(await world().addJob({ event: 'e1', cents: 900 }, { attempts: 5 }));
    const same = await world().untilCompleted(await world().addJob({ event: 'e1', cents: 500 }));

    expect(failures[0]?.cause).toBeInstanceOf(KeyReusedError);
    expect([other.attemptsMade, same.returnvalue, runs]).toEqual([1, 1, 1]);
  });

  test('what the handler throws frees the key: BullMQ retries the job, and the next attempt runs', async () => {
    const attempts: number[] = [];
    const flaky = (_job: EventJob, { attempt }: { attempt: number }) => {
      attempts.push(attempt);
      if (attempts.length < 3) throw new TypeError('not yet');
      return 'at last';
    };
    const failures = world().collectFailures(
      world().startWorker(idempotentProcessor(flaky, { store: world().store, key: eventKeyOf })),
    );

    const done = await world().untilCompleted(await world().addJob({ event: 'e1' }, { attempts: 3, backoff: 1 }));

    expect([done.returnvalue, done.attemptsMade]).toEqual(['at last', 3]);
    expect(attempts).toEqual([1, 2, 3]);
    expect(failures.map(({ name }) => name)).toEqual(['TypeError', 'TypeError']);
  });

  test('options that cannot be meant are refused before there is a job', () => {
    const { store } = world();
    const make = (options: object) => () => idempotentProcessor(() => 1, { store, ...options });
    for (const wrong of [
      { key: 'event' },
      { scope: '' },
      { fingerprint: 1 },
      { onAbandoned: 'ignore' },
      { leaseS: 1 },
    ]) {
      expect(make(wrong), JSON.stringify(wrong)).toThrow(expect.objectContaining({ code: 'option_invalid' }));
    }
  });
});
