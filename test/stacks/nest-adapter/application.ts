// Starts an application of Nest with @onceguard/nest on a free port, on either platform.
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type IdempotencyStore, MemoryStore } from '@onceguard/core';
import { afterEach, describe } from 'vitest';
import { loadNest, majors, type NestLibrary, type PlatformName, platforms } from './library.js';

type ApplicationClass = new () => object;
type NestApplication = Awaited<ReturnType<NestLibrary['core']['NestFactory']['create']>>;

export interface NestSpec {
  readonly controllers: readonly ApplicationClass[];
  /** Beside the controllers and the module: guards, filters and interceptors of the application. */
  readonly providers?: readonly object[];
  readonly imports?: readonly object[];
  readonly store?: IdempotencyStore;
  /** Of the module. */
  readonly options?: object;
  /** False: without IdempotencyModule. */
  readonly hasModule?: boolean;
  /** Called before the application listens. */
  readonly configure?: (app: NestApplication) => unknown;
  readonly create?: object;
}

export interface RunningNest {
  readonly app: NestApplication;
  readonly port: number;
  readonly server: Server;
  readonly store: IdempotencyStore;
  /** What the application has logged as errors. */
  readonly errors: readonly string[];
}

const open: (() => Promise<unknown>)[] = [];

/** Closes what `startNest` and `closeAfterTest` opened. Call it once in each file. */
export function closeAfterEachTest(): void {
  afterEach(async () => {
    for (const close of open.splice(0).reverse()) await close();
  });
}

export function closeAfterTest(close: () => Promise<unknown>): void {
  open.push(close);
}

export async function startNest(nest: NestLibrary, platform: PlatformName, spec: NestSpec): Promise<RunningNest> {
  const { NestFactory } = nest.core;
  const store = spec.store ?? new MemoryStore();
  const errors: string[] = [];
  const options = { abortOnError: false, logger: loggerInto(errors), ...spec.create };
  const root = rootModule(nest, { ...spec, store });
  const adapter = platform === 'Fastify' ? new nest.fastify.FastifyAdapter() : new nest.express.ExpressAdapter();
  const app = await NestFactory.create(root, adapter, options);
  await spec.configure?.(app);
  await app.listen(0, '127.0.0.1');
  const server: Server = app.getHttpServer();
  closeAfterTest(async () => {
    server.closeAllConnections();
    await app.close();
  });
  return { app, port: (server.address() as AddressInfo).port, server, store, errors };
}

export function rootModule({ common, onceguard }: NestLibrary, spec: NestSpec): ApplicationClass {
  const { hasModule = true, options = {}, store = new MemoryStore() } = spec;
  const own = hasModule ? [onceguard.IdempotencyModule.forRoot({ store, scope: 'public', ...options })] : [];
  class Root {}
  common.Module({
    imports: [...own, ...(spec.imports ?? [])] as never,
    controllers: [...spec.controllers],
    providers: [...(spec.providers ?? [])] as never,
  })(Root);
  return Root;
}

function loggerInto(errors: string[]) {
  const ignore = () => {};
  return { log: ignore, warn: ignore, error: (message: unknown) => void errors.push(String(message)) };
}

export interface NestStack {
  readonly nest: NestLibrary;
  readonly platform: PlatformName;
}

/** Registers a group of tests for both majors on both platforms. */
export async function onEveryNest(title: string, tests: (stack: NestStack) => void): Promise<void> {
  for (const major of majors) {
    const nest = await loadNest(major);
    for (const platform of platforms) {
      describe(`${title} (Nest ${major} on ${platform})`, () => {
        closeAfterEachTest();
        tests({ nest, platform });
      });
    }
  }
}
