// Nest applications of both majors, with the middleware before a route that is defined without decorators.
import 'reflect-metadata';
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { IdempotencyStore } from '@onceguard/core';
import { idempotency } from '@onceguard/express';

const here = fileURLToPath(new URL('.', import.meta.url));

export const majors = ['11', '12'] as const;
export type Major = (typeof majors)[number];

type Decorator = (...args: unknown[]) => (...target: unknown[]) => unknown;

/** The parts of Nest that the tests use; its own types differ between the majors. */
export interface Nest {
  readonly common: Record<'Controller' | 'Module' | 'Post' | 'Sse' | 'HttpCode' | 'Header', Decorator> & {
    readonly StreamableFile: new (source: unknown, options?: object) => object;
  };
  readonly rxjs: typeof import('rxjs');
  /** Starts an application with one route, `POST /pay`, that sends what `handler` returns. */
  start(route: Route): Promise<RunningNest>;
}

export interface Route {
  readonly store: IdempotencyStore;
  readonly options?: Partial<Parameters<typeof idempotency>[0]>;
  /** Default: a plain route. */
  readonly kind?: 'Sse';
  handler(): unknown;
}

export interface RunningNest {
  readonly port: number;
  readonly server: Server;
  close(): Promise<void>;
}

interface NestApplication {
  use(layer: unknown): void;
  listen(port: number, host: string): Promise<unknown>;
  getHttpServer(): Server;
  close(): Promise<void>;
}

export async function loadNest(major: Major): Promise<Nest> {
  const { resolve } = createRequire(join(here, `nest-${major}`, 'package.json'));
  const load = async (name: string): Promise<unknown> => await import(pathToFileURL(resolve(name)).href);
  const common = (await load('@nestjs/common')) as Nest['common'];
  const core = (await load('@nestjs/core')) as {
    NestFactory: { create(module: unknown, options: object): Promise<NestApplication> };
  };
  const rxjs = (await load('rxjs')) as Nest['rxjs'];

  async function start({ store, options = {}, kind, handler }: Route): Promise<RunningNest> {
    class Payments {
      pay() {
        return handler();
      }
    }
    const route = Object.getOwnPropertyDescriptor(Payments.prototype, 'pay');
    common.Post('pay')(Payments.prototype, 'pay', route);
    if (kind === 'Sse') common.Sse('pay', { method: 1 })(Payments.prototype, 'pay', route);
    common.Controller()(Payments);
    class Application {}
    common.Module({ controllers: [Payments] })(Application);
    const app = await core.NestFactory.create(Application, { logger: false });
    app.use(idempotency({ store, scope: 'public', onInProgress: { waitMs: 30_000 }, ...options }));
    await app.listen(0, '127.0.0.1');
    const server = app.getHttpServer();
    const { port } = server.address() as AddressInfo;
    const close = async () => {
      server.closeAllConnections();
      await app.close();
    };
    return { port, server, close };
  }
  return { common, rxjs, start };
}
