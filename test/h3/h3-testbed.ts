// h3 applications, asked by their own `request()`, or over a socket.
import { MemoryStore } from '@onceguard/core';
import { type IdempotencyOptions, idempotency } from '@onceguard/h3';
import { H3, type Middleware, serve } from 'h3';
import { afterEach } from 'vitest';

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
export function protect(options: Partial<IdempotencyOptions> = {}): Middleware {
  return idempotency({ store: openStore(), scope: 'public', ...options });
}

export const newApp = () => new H3({ silent: true });

/** The origin of a server that has begun to listen. It ends after the test. */
export async function listen(app: H3): Promise<string> {
  const server = serve(app, { port: 0, hostname: '127.0.0.1', silent: true });
  closing.push(async () => await server.close(true));
  await server.ready();
  return String(server.url).replace(/\/$/, '');
}

export const headers = { 'Idempotency-Key': 'k', 'Content-Type': 'application/json' };
export const payment = { method: 'POST', headers, body: '{"cents":10}' };

export const replayed = (response: Response) => response.headers.get('Idempotent-Replayed');

/**
 * What must be the same in a response, its replay, and the response of the bare application. A body that is recorded is sent in one piece,
 * so its framing may differ. h3 writes the charset of a text in two ways.
 */
export async function comparable(response: Response): Promise<object> {
  const apart = ['date', 'idempotent-replayed', 'content-length', 'transfer-encoding'];
  const kept = [...response.headers].filter(([name]) => !apart.includes(name));
  const headers = kept.map(([name, value]) => [name, value.replace('; charset', ';charset')]);
  return { status: response.status, headers, body: await response.text() };
}
