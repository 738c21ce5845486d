// Hono applications on @hono/node-server, and requests to them over a socket.
import { once } from 'node:events';
import { type ClientRequest, type IncomingHttpHeaders, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ServerType, serve } from '@hono/node-server';
import { MemoryStore } from '@onceguard/core';
import { type IdempotencyOptions, type IdempotencyVariables, idempotency } from '@onceguard/hono';
import { Hono, type MiddlewareHandler } from 'hono';
import { afterEach } from 'vitest';

export interface Env {
  Variables: IdempotencyVariables;
}

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

export function openStore(): MemoryStore {
  const store = new MemoryStore();
  closing.push(async () => await store.close());
  return store;
}

/** The middleware, with a store of its own unless `options` has one. */
export function protect(options: Partial<IdempotencyOptions<Env>> = {}): MiddlewareHandler<Env> {
  return idempotency<Env>({ store: openStore(), scope: 'public', ...options });
}

export const newApp = () => new Hono<Env>();

/** The port of a server that has begun to listen. It ends after the test. */
export async function listen(app: Hono<Env>): Promise<number> {
  const server: ServerType = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' });
  closing.push(() => server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

export interface Sent {
  readonly key?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Received {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The connection ended before the response did. */
  readonly isCut: boolean;
}

/** Begins a POST, of JSON by default. `destroy()` of the request is a client that leaves. */
export function post(port: number, path: string, { key, body = '{"a":1}', headers = {} }: Sent = {}): ClientRequest {
  const keyHeader = key === undefined ? {} : { 'Idempotency-Key': key };
  const all = {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    ...keyHeader,
    ...headers,
  };
  const sent = request({ host: '127.0.0.1', port, path, method: 'POST', agent: false, headers: all });
  sent.on('error', () => {});
  sent.end(body);
  return sent;
}

export async function send(port: number, path: string, parts: Sent = {}): Promise<Received> {
  const [response] = await once(post(port, path, parts), 'response');
  const chunks: Buffer[] = [];
  let isCut = false;
  try {
    for await (const chunk of response) chunks.push(chunk);
  } catch {
    isCut = true;
  }
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks), isCut };
}

/** What must be the same in a response, its replay, and the response of the bare application. */
export function comparable({ status, headers, body, isCut }: Received): object {
  const apart = ['date', 'idempotent-replayed', 'server-timing', 'x-request-id'];
  const kept = Object.entries(headers).filter(([name]) => !apart.includes(name));
  return { status, headers: Object.fromEntries(kept), body: body.toString('latin1'), isCut };
}
