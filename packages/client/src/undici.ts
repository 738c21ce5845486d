// @onceguard/client/undici: an interceptor for a Dispatcher of undici, and options for its retry interceptor.
import {
  headersOf,
  type KeyOptions,
  type PlainHeaders,
  retriedStatuses,
  retryDelayMs,
  withDefaults,
} from './key-options.js';
import { readRetryAfter } from './retry-after.js';

export type { KeyOptions };

/** Headers as undici takes them (an object, pairs, or a flat list of names and values), as one object. */
function recordOf(headers: unknown): Record<string, unknown> {
  const isFlat = Array.isArray(headers) && !Array.isArray(headers[0]);
  const pairs = isFlat ? headers.flatMap((name, at) => (at % 2 ? [] : [[name, headers[at + 1]]])) : Object(headers);
  return Symbol.iterator in pairs ? Object.fromEntries(pairs) : pairs;
}

/**
 * An interceptor that adds a key to requests without one. Compose it after the retry interceptor, so that it stands around it.
 *
 * @example
 * const agent = new Agent().compose(interceptors.retry(idempotentRetry()), idempotencyKeys());
 * await request('https://api.example/payments', { method: 'POST', body, dispatcher: agent });
 */
export function idempotencyKeys(options: KeyOptions = {}) {
  const { headerName, createKey, methods } = withDefaults(options);
  return <O extends { method: string; headers?: unknown }, H>(dispatch: (options: O, handler: H) => boolean) =>
    (request: O, handler: H): boolean => {
      const headers = recordOf(request.headers);
      const hasKey = Object.keys(headers).some((name) => name.toLowerCase() === headerName.toLowerCase());
      if (hasKey || !methods.includes(request.method)) return dispatch(request, handler);
      return dispatch({ ...request, headers: { ...headers, [headerName]: createKey() } }, handler);
    };
}

/** Options for `interceptors.retry`. The body of a response is not known there, so a 409 is repeated where it has `Retry-After`. */
export function idempotentRetry(options: KeyOptions = {}) {
  const { methods, retries, maxRetryAfterMs } = withDefaults(options);
  return {
    methods: methods.map((method) => method as 'POST'),
    statusCodes: [...retriedStatuses],
    maxRetries: retries,
    retry: (error: Error, { state }: { state: { counter: number } }, done: (error?: Error | null) => void): void => {
      const { statusCode, headers = {} } = error as { statusCode?: number; headers?: PlainHeaders };
      const waitMs = readRetryAfter(headersOf(headers));
      const isFinal =
        statusCode !== undefined && !(statusCode === 409 ? waitMs !== undefined : retriedStatuses.includes(statusCode));
      if (isFinal || state.counter >= retries || (waitMs ?? 0) > maxRetryAfterMs) done(error);
      else setTimeout(() => done(null), retryDelayMs(state.counter++, waitMs));
    },
  };
}
