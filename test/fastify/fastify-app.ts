// Starts an application on the real Fastify, on a free loopback port, with idempotency() registered. It is closed after the test.
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type IdempotencyStore, MemoryStore } from '@onceguard/core';
import { type IdempotencyOptions, idempotency } from '@onceguard/fastify';
import fastify5, { type FastifyHttpOptions, type FastifyInstance, type RouteHandlerMethod } from 'fastify';
import fastify4 from 'fastify4';
import { afterEach } from 'vitest';
import { http2Ports } from '../../packages/testing/src/adapter-suite/support/http2-client.js';

export interface Platform {
  readonly name: 'Fastify 5' | 'Fastify 4' | 'Fastify 5 over HTTP/2';
  create(options?: FastifyHttpOptions<Server>): FastifyInstance;
}

const platform5: Platform = { name: 'Fastify 5', create: (options = {}) => fastify5(options) };
const platform4: Platform = {
  name: 'Fastify 4',
  create: (options = {}) => fastify4(options as object) as unknown as FastifyInstance,
};
const platform5OverHttp2: Platform = {
  name: 'Fastify 5 over HTTP/2',
  create: (options = {}) => fastify5({ ...options, http2: true } as object) as unknown as FastifyInstance,
};

export const versions = [platform5, platform4];
export const platforms = [...versions, platform5OverHttp2];

export interface AppSetup {
  readonly platform?: Platform;
  /** Further options of the plugin. Default: a MemoryStore, scope `public`. */
  readonly options?: Partial<IdempotencyOptions>;
  readonly server?: FastifyHttpOptions<Server>;
  /** What is registered before idempotency(), such as other plugins and hooks. */
  outside?(app: FastifyInstance): unknown;
  /** What is registered after it: the routes. */
  routes(app: FastifyInstance): unknown;
}

export interface StartedApp {
  readonly app: FastifyInstance;
  readonly port: number;
  readonly store: IdempotencyStore;
}

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

export async function startApp(setup: AppSetup): Promise<StartedApp> {
  const { platform = platform5, server = {}, outside, routes } = setup;
  const store = setup.options?.store ?? newStore();
  const app = platform.create({ forceCloseConnections: true, ...server });
  await outside?.(app);
  await app.register(idempotency, { scope: 'public', ...setup.options, store });
  await routes(app);
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  if (platform === platform5OverHttp2) http2Ports.add(port);
  closing.push(async () => {
    http2Ports.delete(port);
    await app.close();
  });
  return { app, port, store };
}

/** A MemoryStore that is closed after the test. */
export function newStore(): MemoryStore {
  const store = new MemoryStore();
  closing.push(async () => await store.close());
  return store;
}

/** Config of a guarded route. */
export const guarded = { config: { idempotency: true } } as const;

/** The handler, and how often it ran. */
export function counted(handler: RouteHandlerMethod): { readonly handler: RouteHandlerMethod; runs(): number } {
  let runs = 0;
  return {
    runs: () => runs,
    handler(request, reply) {
      runs += 1;
      return handler.call(this, request, reply);
    },
  };
}
