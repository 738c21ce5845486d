// Finds the Request among what a framework passes to its handlers.
import { ConfigurationError } from '@onceguard/core';

/** The first argument itself (Next, Bun, Deno, Workers), its `request` (SvelteKit, Remix, Astro, Elysia), its `req`, or its `req.raw`. */
export function findRequest(first: unknown): Request | undefined {
  if (isRequest(first)) return first;
  const request = memberOf(first, 'request');
  if (isRequest(request)) return request;
  const req = memberOf(first, 'req');
  if (isRequest(req)) return req;
  const raw = memberOf(req, 'raw');
  return isRequest(raw) ? raw : undefined;
}

export function requireRequest(found: unknown): Request {
  if (isRequest(found)) return found;
  const remedy =
    'Pass it as the first argument or as its member `request`, or give the option `request`, a function that returns it.';
  throw new ConfigurationError(
    'argument_invalid',
    `withIdempotency() found no Request in what the handler was called with. ${remedy}`,
  );
}

/** By its shape: frameworks have classes of their own. */
function isRequest(value: unknown): value is Request {
  if (typeof value !== 'object' || value === null) return false;
  const { method, url, headers, arrayBuffer } = value as Partial<Request>;
  const hasHead = typeof method === 'string' && typeof url === 'string' && typeof headers?.get === 'function';
  return hasHead && typeof arrayBuffer === 'function';
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
