// A store, a counter of runs, and requests to call wrapped handlers with.
import { MemoryStore } from '@onceguard/core';
import { type IdempotencyOptions, withIdempotency } from '@onceguard/web';
import { afterEach } from 'vitest';

export interface RequestParts {
  readonly key?: string | undefined;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: ConstructorParameters<typeof Response>[0];
  readonly signal?: AbortSignal;
}

/** A POST of JSON, unless the parts say otherwise. */
export function requestOf({
  key = 'key-1',
  method = 'POST',
  path = '/payments',
  ...parts
}: RequestParts = {}): Request {
  const body = 'body' in parts ? parts.body : '{"cents":10}';
  const isText = typeof body === 'string';
  return new Request(`http://shop.example${path}`, {
    method,
    headers: {
      ...(key === '' ? {} : { 'Idempotency-Key': key }),
      ...(isText ? { 'Content-Type': 'application/json' } : {}),
      ...parts.headers,
    },
    body: body ?? null,
    ...(parts.signal === undefined ? {} : { signal: parts.signal }),
    ...(body instanceof ReadableStream ? { duplex: 'half' as const } : {}),
  });
}

const open: MemoryStore[] = [];
afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
});

export function openStore(): MemoryStore {
  const store = new MemoryStore();
  open.push(store);
  return store;
}

/** The handler wrapped, with a store of its own, and how often it ran. */
export function protect(
  handler: (request: Request) => Response | Promise<Response>,
  options: Partial<IdempotencyOptions<readonly [Request]>> = {},
) {
  let runs = 0;
  const counted = (request: Request) => {
    runs += 1;
    return handler(request);
  };
  const handle = withIdempotency(counted, { store: openStore(), scope: 'public', ...options });
  return { handle, runs: () => runs };
}

/** What a client sees of a response. */
export async function seen(response: Response): Promise<object> {
  const { status, statusText, headers } = response;
  const all = [...headers].filter(([name]) => name !== 'idempotent-replayed');
  return { status, statusText, headers: all, body: Buffer.from(await response.arrayBuffer()).toString('latin1') };
}

export function isReplay(response: Response): boolean {
  return response.headers.get('Idempotent-Replayed') === 'true';
}
