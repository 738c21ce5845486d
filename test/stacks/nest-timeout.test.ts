// Nest's documented TimeoutInterceptor sends 408 while the handler works: under `httpPaymentPolicy` the work is not
// repeated.
import 'reflect-metadata';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { IdempotencyStore } from '@onceguard/core';
import { httpPaymentPolicy } from '@onceguard/core/http';
import express, { type Request } from 'express';
import { catchError, type Observable, TimeoutError, throwError, timeout } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import type { Options } from '../../packages/testing/src/adapter-suite/framework.js';
import { newGate } from '../../packages/testing/src/adapter-suite/support/gate.js';
import { send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { expressMiddleware } from '../adapters/registrations/express.js';
import { storeKinds } from '../adapters/store-kinds.js';

/** The parts of Nest 11 and 12 that are used here; each version finds its own packages. */
interface Nest {
  readonly Controller: (path: string) => ClassDecorator;
  readonly Post: () => MethodDecorator;
  readonly Req: () => ParameterDecorator;
  readonly Module: (metadata: object) => ClassDecorator;
  readonly UseInterceptors: (...interceptors: readonly object[]) => ClassDecorator;
  readonly RequestTimeoutException: new () => Error;
  readonly NestFactory: { create(module: unknown, options: object): Promise<NestApplication> };
}

interface NestApplication {
  use(...middleware: readonly unknown[]): void;
  listen(port: number, host: string): Promise<{ address(): AddressInfo }>;
  close(): Promise<void>;
}

function loadNest(major: 11 | 12): Nest {
  const require = createRequire(join(dirname(fileURLToPath(import.meta.url)), `nest-${major}`, 'package.json'));
  return Object.assign({}, ...['common', 'core'].map((name) => require(`@nestjs/${name}`))) as Nest;
}

/** As in Nest's documentation. Its time begins with the handler. */
function timeoutInterceptor({ RequestTimeoutException }: Nest) {
  const intercept = (_context: unknown, next: { handle(): Observable<unknown> }) =>
    next.handle().pipe(
      timeout(1_000),
      catchError((error: unknown) =>
        throwError(() => (error instanceof TimeoutError ? new RequestTimeoutException() : error)),
      ),
    );
  return { intercept };
}

/** A controller whose attempt 1 runs until the test ends it. */
function controllerOf(nest: Nest, work: (req: Request) => Promise<object>): new () => object {
  class PayController {
    async pay(req: Request) {
      return await work(req);
    }
  }
  const { prototype } = PayController;
  nest.Req()(prototype, 'pay', 0);
  nest.Post()(prototype, 'pay', Object.getOwnPropertyDescriptor(prototype, 'pay') ?? {});
  nest.UseInterceptors(timeoutInterceptor(nest))(PayController);
  nest.Controller('pay')(PayController);
  return PayController;
}

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function startNest(nest: Nest, store: IdempotencyStore, options: Options) {
  const mayEnd = newGate();
  const attempts: number[] = [];
  const signals: (AbortSignal | undefined)[] = [];
  const controller = controllerOf(nest, async (req) => {
    attempts.push(req.idempotency?.attempt ?? 0);
    signals.push(req.idempotency?.signal);
    if (attempts.length === 1) await mayEnd.opened;
    return { attempt: req.idempotency?.attempt };
  });
  class AppModule {}
  nest.Module({ controllers: [controller] })(AppModule);
  const app = await nest.NestFactory.create(AppModule, { logger: false, bodyParser: false });
  open.push(app);
  app.use(express.json(), expressMiddleware(store, options));
  const { port } = (await app.listen(0, '127.0.0.1')).address();
  return { port, attempts, signals, finish: mayEnd.open };
}

const stacks = ([11, 12] as const).flatMap((major) => storeKinds.map((kind) => ({ major, kind, store: kind.name })));

describe.each(stacks)('Nest $major with its TimeoutInterceptor, $store:', ({ major, kind }) => {
  it('under httpPaymentPolicy a handler does not run again after its time-out', async () => {
    const testbed = await kind.open();
    open.push(testbed);
    const { port, attempts, finish } = await startNest(loadNest(major), testbed.store, httpPaymentPolicy);
    expect((await send(port, { key: 'payment-1' })).status).toBe(408);
    const retry = await send(port, { key: 'payment-1' });
    expect([retry.status, retry.json().code]).toEqual([409, 'outcome_unknown']);
    finish();
    expect(attempts).toEqual([1]);
  });

  it('by default the signal of the handler aborts, and the retry runs', async () => {
    const testbed = await kind.open();
    open.push(testbed);
    const { port, attempts, signals, finish } = await startNest(loadNest(major), testbed.store, {});
    expect((await send(port, { key: 'payment-1' })).status).toBe(408);
    expect(signals[0]?.reason).toMatchObject({ code: 'lease_lost' });
    expect((await send(port, { key: 'payment-1' })).text).toBe('{"attempt":2}');
    finish();
    expect(attempts).toEqual([1, 2]);
  });
});
