// @onceguard/client/ky: options for ky 2.
import { isRetried, type KeyOptions, problemOf, retriedStatuses, withDefaults } from './key-options.js';
import { readRetryAfter } from './retry-after.js';

export type { KeyOptions };

/** The part of ky's `HTTPError` that is read. Other errors have no response. */
interface ErrorParts {
  readonly response?: Response;
  /** The parsed body. */
  readonly data?: unknown;
}

/**
 * Options for `ky.create` or `ky.extend`: one key for each call, the same for every retry, and the retry table of this package. ky reads
 * `Retry-After` itself.
 *
 * @example
 * const api = ky.create(idempotentKy());
 * await api.post('/payments', { json: order });
 */
export function idempotentKy(options: KeyOptions = {}) {
  const { headerName, createKey, methods, retries, maxRetryAfterMs } = withDefaults(options);
  return {
    retry: {
      limit: retries,
      methods: methods.map((method) => method.toLowerCase() as 'post'),
      statusCodes: [...retriedStatuses],
      afterStatusCodes: [...retriedStatuses],
      maxRetryAfter: maxRetryAfterMs,
      retryOnTimeout: true,
      backoffLimit: 8_000,
      jitter: true,
      // True would make ky ignore Retry-After.
      shouldRetry: ({ error }: { readonly error: Error }): false | undefined => {
        const { response, data } = error as ErrorParts;
        if (response === undefined) return undefined;
        if (!isRetried(response.status, response.headers, data)) return false;
        const waitMs = readRetryAfter(response.headers, Reflect.get(problemOf(data), 'retryAfterMs'));
        return (waitMs ?? 0) > maxRetryAfterMs ? false : undefined;
      },
    },
    hooks: {
      beforeRequest: [
        ({ request }: { readonly request: Request }): void => {
          if (methods.includes(request.method) && !request.headers.has(headerName)) {
            request.headers.set(headerName, createKey());
          }
        },
      ],
    },
  };
}
