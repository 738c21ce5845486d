// @onceguard/client/got: options for got.
import {
  headersOf,
  isRetried,
  type KeyOptions,
  type PlainHeaders,
  retriedStatuses,
  withDefaults,
} from './key-options.js';

export type { KeyOptions };

interface OptionsParts {
  method: string;
  headers: Record<string, string | string[] | undefined>;
}

interface RetryParts {
  readonly error: { readonly response?: { statusCode: number; headers: PlainHeaders; body: unknown } | undefined };
  /** What got would wait, `Retry-After` included. 0 where it would not retry. */
  readonly computedValue: number;
}

/**
 * Options for `got.extend`: one key for each call, the same for every retry, and the retry table of this package. got reads `Retry-After`
 * itself.
 *
 * @example
 * const api = got.extend(idempotentGot());
 * await api.post('https://api.example/payments', { json: order });
 */
export function idempotentGot(options: KeyOptions = {}) {
  const { headerName, createKey, methods, retries, maxRetryAfterMs } = withDefaults(options);
  const name = headerName.toLowerCase();
  return {
    retry: {
      limit: retries,
      methods: methods.map((method) => method as 'POST'),
      statusCodes: [...retriedStatuses],
      maxRetryAfter: maxRetryAfterMs,
      calculateDelay: ({ error: { response }, computedValue }: RetryParts): number => {
        if (response === undefined) return computedValue;
        return isRetried(response.statusCode, headersOf(response.headers), response.body) ? computedValue : 0;
      },
    },
    hooks: {
      // Called before every send; a retry has the headers of the send before it.
      beforeRequest: [
        ({ method, headers }: OptionsParts): void => {
          if (methods.includes(method)) headers[name] ??= createKey();
        },
      ],
    },
  };
}
