// A time-out interceptor responds while the handler works: its key is not free before the handler has stopped.
import { drainStore, MemoryStore } from '@onceguard/core';
import { expect, it } from 'vitest';
import { newGate } from '../../packages/testing/src/adapter-suite/support/gate.js';
import { send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { type NestStack, onEveryNest, startNest } from './nest-adapter/application.js';

type Next = { handle(): import('rxjs').Observable<unknown> };

/** As in Nest's documentation. */
function timeoutInterceptor({ nest }: NestStack) {
  const { catchError, TimeoutError, throwError, timeout } = nest.rxjs;
  const { RequestTimeoutException } = nest.common;
  const toHttp = (error: unknown) => (error instanceof TimeoutError ? new RequestTimeoutException() : error);
  return {
    intercept: (_: unknown, next: Next) =>
      next.handle().pipe(
        timeout(1_000),
        catchError((error: unknown) => throwError(() => toHttp(error))),
      ),
  };
}

/** Where the time-out interceptor stands, relative to `@Idempotent()`. */
const places = ['inside, on the controller', 'inside, above the decorator', 'outside of position route'] as const;
const works = ['a promise', 'an Observable', '@Res()'] as const;

interface TimedOut {
  readonly port: number;
  readonly store: MemoryStore;
  readonly attempts: number[];
  readonly signals: AbortSignal[];
  finish(): void;
}

/** Attempt 1 works until `finish` is called; its request has got a 408 already. */
async function timeOutFirstAttempt(
  stack: NestStack,
  place: (typeof places)[number],
  work: (typeof works)[number] = 'a promise',
  options: object = {},
): Promise<TimedOut> {
  const { nest, platform } = stack;
  const { Controller, Post, Res, UseInterceptors } = nest.common;
  const { Idempotent, IdempotencyContext } = nest.onceguard;
  const mayEnd = newGate();
  const attempts: number[] = [];
  const signals: AbortSignal[] = [];
  const limit = timeoutInterceptor(stack);
  const none = { intercept: (_: unknown, next: Next) => next.handle() };
  const run = async ({ attempt, signal }: { attempt: number; signal: AbortSignal }) => {
    attempts.push(attempt);
    signals.push(signal);
    if (attempt === 1) await mayEnd.opened;
    return { attempt };
  };
  @Controller('pay')
  @UseInterceptors(place === places[1] ? none : limit)
  class Payments {
    @UseInterceptors(place === places[1] ? limit : none)
    @Post()
    @Idempotent({ position: place === places[2] ? 'route' : 'outermost' })
    pay(@IdempotencyContext() context: Parameters<typeof run>[0]) {
      return work === 'a promise' ? run(context) : nest.rxjs.from(run(context));
    }
  }
  @Controller('pay')
  @UseInterceptors(limit)
  class RespondingPayments {
    @Post()
    @Idempotent()
    async pay(@IdempotencyContext() context: Parameters<typeof run>[0], @Res() res: { send(body: unknown): void }) {
      const result = await run(context);
      // After its time-out there is nobody to respond to.
      if (context.attempt > 1) res.send(result);
    }
  }
  const store = new MemoryStore();
  const controllers = [work === '@Res()' ? RespondingPayments : Payments];
  const { port } = await startNest(nest, platform, { controllers, store, options });
  expect((await send(port, { key: 'k' })).status).toBe(408);
  return { port, store, attempts, signals, finish: mayEnd.open };
}

await onEveryNest('A handler that still runs after a time-out response', (stack) => {
  it.each(places)('keeps its key until it ends: %s', async (place) => {
    const { port, store, attempts, finish } = await timeOutFirstAttempt(stack, place);
    const during = await send(port, { key: 'k' });
    expect([during.status, during.json().code, attempts]).toEqual([409, 'in_progress', [1]]);
    finish();
    expect(await drainStore(store)).toBe(true);
    expect((await send(port, { key: 'k' })).json()).toEqual({ attempt: 2 });
  });

  it.each(works)('keeps its key until it ends: %s', async (work) => {
    const { port, store, attempts, finish } = await timeOutFirstAttempt(stack, places[0], work);
    expect([(await send(port, { key: 'k' })).json().code, attempts]).toEqual(['in_progress', [1]]);
    finish();
    expect(await drainStore(store)).toBe(true);
    expect((await send(port, { key: 'k' })).json()).toEqual({ attempt: 2 });
  });

  it('gets the abort of its signal with the response', async () => {
    const { signals, finish } = await timeOutFirstAttempt(stack, places[0]);
    expect(signals[0]?.reason).toMatchObject({ code: 'lease_lost' });
    finish();
  });

  it('does not run again under httpPaymentPolicy', async () => {
    const { httpPaymentPolicy } = stack.nest.onceguard;
    const { port, store, attempts, finish } = await timeOutFirstAttempt(
      stack,
      places[0],
      'a promise',
      httpPaymentPolicy,
    );
    finish();
    await drainStore(store);
    const retry = await send(port, { key: 'k' });
    expect([retry.status, retry.json().code, attempts]).toEqual([409, 'outcome_unknown', [1]]);
  });

  it('and never ends loses its key at maxExecutionMs', async () => {
    const options = { leaseMs: 2_000, maxExecutionMs: 100, onInProgress: { waitMs: 30_000 } };
    const { port, attempts, finish } = await timeOutFirstAttempt(stack, places[0], 'an Observable', options);
    expect((await send(port, { key: 'k' })).json()).toEqual({ attempt: 2 });
    expect(attempts).toEqual([1, 2]);
    finish();
  });
});

await onEveryNest('A handler whose time-out comes first', (stack) => {
  it('does not begin, and its key stays free', async () => {
    const { nest, platform } = stack;
    const { Controller, Post, UseInterceptors } = nest.common;
    const scoped = newGate();
    const attempts: number[] = [];
    let calls = 0;
    @Controller('pay')
    @UseInterceptors(timeoutInterceptor(stack))
    class Payments {
      @Post()
      @nest.onceguard.Idempotent({
        position: 'route',
        scope: async () => {
          calls += 1;
          if (calls === 1) await scoped.opened;
          return 'alice';
        },
      })
      pay(@nest.onceguard.IdempotencyContext() { attempt }: { attempt: number }) {
        attempts.push(attempt);
        return { attempt };
      }
    }
    const { port } = await startNest(nest, platform, { controllers: [Payments] });
    expect((await send(port, { key: 'k' })).status).toBe(408);
    scoped.open();
    expect((await send(port, { key: 'k' })).json()).toEqual({ attempt: 1 });
    expect(attempts).toEqual([1]);
  });
});
