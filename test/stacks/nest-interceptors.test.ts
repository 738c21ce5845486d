// Interceptors around @Idempotent(): which of them run on a replay, what they see, and that none of them fires late.
import { expect, it } from 'vitest';
import { send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { type NestStack, onEveryNest, startNest } from './nest-adapter/application.js';

type Next = { handle(): import('rxjs').Observable<unknown> };

/** Logs what passes through it. */
function loggerOf({ nest }: NestStack, log: string[], name = 'logger') {
  const { tap } = nest.rxjs;
  const write = (event: string) => (value?: unknown) => void log.push(`${name}: ${event} ${describe(value)}`.trim());
  return {
    intercept: (_: unknown, next: Next) =>
      next.handle().pipe(tap({ next: write('value'), error: write('error'), complete: write('end') })),
  };
}

function describe(value: unknown): string {
  return value instanceof Error ? value.message : (JSON.stringify(value) ?? '');
}

await onEveryNest('Interceptors of an application', (stack) => {
  const { nest, platform } = stack;
  const { ClassSerializerInterceptor, Controller, Post, UseInterceptors } = nest.common;
  const { APP_INTERCEPTOR } = nest.core;
  const { Idempotent } = nest.onceguard;

  it('do not run on a replay by default, wherever they are registered, and no error is logged', async () => {
    const { map } = nest.rxjs;
    const seen: string[] = [];
    const mapper = (name: string) => ({
      intercept: (_: unknown, next: Next) => {
        seen.push(name);
        return next.handle().pipe(map((value) => ({ ...Object(value), [name]: true })));
      },
    });
    let runs = 0;
    @Controller('pay')
    @UseInterceptors(mapper('controller'))
    class Payments {
      @Post()
      @UseInterceptors(mapper('route'))
      @Idempotent()
      pay() {
        return { run: ++runs };
      }
    }
    const { port, errors } = await startNest(nest, platform, {
      controllers: [Payments],
      providers: [{ provide: APP_INTERCEPTOR, useValue: mapper('provided') }],
      configure: (app) => app.useGlobalInterceptors(mapper('global')),
    });
    const first = await send(port, { key: 'k' });
    const again = await send(port, { key: 'k' });
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect([again.text, errors]).toEqual([first.text, []]);
    expect(first.json()).toEqual({ run: 1, route: true, controller: true, provided: true, global: true });
    expect(seen.sort()).toEqual(['controller', 'global', 'provided', 'route']);
  });

  it('what ClassSerializerInterceptor leaves out is not on record', async () => {
    class Receipt {
      secret = 'x';
      constructor(readonly run: number) {}
    }
    nest.transformer.Exclude()(Receipt.prototype, 'secret');
    let runs = 0;
    @Controller('pay')
    class Payments {
      @Post()
      @UseInterceptors(ClassSerializerInterceptor)
      @Idempotent()
      pay() {
        return new Receipt(++runs);
      }
    }
    const { port } = await startNest(nest, platform, { controllers: [Payments] });
    for (const _ of ['the first', 'a repeat']) expect((await send(port, { key: 'k' })).text).toBe('{"run":1}');
  });

  it('outside of position route see the body of a replay and of a refusal, and their end', async () => {
    const log: string[] = [];
    let runs = 0;
    @Controller('pay')
    @UseInterceptors(loggerOf(stack, log))
    class Payments {
      @Post()
      @Idempotent({ position: 'route' })
      pay() {
        return { run: ++runs };
      }
    }
    const { port, errors } = await startNest(nest, platform, { controllers: [Payments] });
    await send(port, { key: 'k' });
    expect((await send(port, { key: 'k' })).headers['idempotent-replayed']).toBe('true');
    const refused = await send(port, { key: 'k', body: { amount: 99 } });
    const passed = ['logger: value {"run":1}', 'logger: end'];
    expect(log).toEqual([...passed, ...passed, `logger: value ${refused.text}`, 'logger: end']);
    expect([refused.status, errors]).toEqual([422, []]);
  });

  it('outside of position route cannot change a replay, nor make it fail', async () => {
    const { map } = nest.rxjs;
    const pick = { intercept: (_: unknown, next: Next) => next.handle().pipe(map((value) => Object(value).deep.down)) };
    let runs = 0;
    @Controller('pay')
    @UseInterceptors(pick)
    class Payments {
      @Post()
      @Idempotent({ position: 'route' })
      pay() {
        return { deep: { down: { run: ++runs } } };
      }
    }
    const { port } = await startNest(nest, platform, { controllers: [Payments] });
    expect((await send(port, { key: 'k' })).text).toBe('{"run":1}');
    const again = await send(port, { key: 'k' });
    expect([again.status, again.text, again.headers['idempotent-replayed']]).toEqual([201, '{"run":1}', 'true']);
  });

  it('a time-out interceptor outside of position route does not fire after a replay', async () => {
    const { timeout } = nest.rxjs;
    const log: string[] = [];
    const limit = { intercept: (_: unknown, next: Next) => next.handle().pipe(timeout(10_000)) };
    @Controller('pay')
    @UseInterceptors(loggerOf(stack, log), limit)
    class Payments {
      @Post()
      @Idempotent({ position: 'route' })
      pay() {
        return { paid: true };
      }
    }
    const { port, errors } = await startNest(nest, platform, { controllers: [Payments] });
    for (const _ of ['the first', 'a repeat']) await send(port, { key: 'k' });
    // The end has passed through the limit, which starts no timer after it.
    const passed = ['logger: value {"paid":true}', 'logger: end'];
    expect([log, errors]).toEqual([[...passed, ...passed], []]);
  });

  it('with @Res(), an interceptor outside sees a replay end', async () => {
    const log: string[] = [];
    let runs = 0;
    @Controller('pay')
    @UseInterceptors(loggerOf(stack, log))
    class Payments {
      @Post()
      @Idempotent({ position: 'route' })
      pay(@nest.common.Res() res: { status(code: number): { send(body: unknown): void } }) {
        res.status(202).send({ run: ++runs });
      }
    }
    const { port } = await startNest(nest, platform, { controllers: [Payments] });
    for (const _ of ['the first', 'a repeat']) {
      const { status, text } = await send(port, { key: 'k' });
      expect([status, text]).toEqual([202, '{"run":1}']);
    }
    expect(log).toEqual(['logger: value', 'logger: end', 'logger: value {"run":1}', 'logger: end']);
  });

  it('that retry the handler run it again within the same attempt', async () => {
    const { retry } = nest.rxjs;
    const twice = { intercept: (_: unknown, next: Next) => next.handle().pipe(retry(1)) };
    for (const position of ['outermost', 'route'] as const) {
      const attempts: number[] = [];
      @Controller('pay')
      @UseInterceptors(twice)
      class Payments {
        @Post()
        @Idempotent({ position })
        pay(@nest.onceguard.IdempotencyContext() { attempt }: { attempt: number }) {
          attempts.push(attempt);
          if (attempts.length === 1) throw new Error('Once more.');
          return { runs: attempts.length };
        }
      }
      const { port } = await startNest(nest, platform, { controllers: [Payments] });
      for (const _ of ['the first', 'a repeat']) expect((await send(port, { key: 'k' })).text).toBe('{"runs":2}');
      expect(attempts).toEqual([1, 1]);
    }
  });
});
