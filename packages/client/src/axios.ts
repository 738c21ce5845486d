// @onceguard/client/axios: keys for axios that survive axios-retry.
import { headersOf, isRetried, type KeyOptions, problemOf, retryDelayMs, withDefaults } from './key-options.js';
import { readRetryAfter } from './retry-after.js';

export type { KeyOptions };

/** The part of an axios error that is read. */
export interface AxiosErrorParts {
  readonly code?: string | undefined;
  readonly config?: { readonly headers: { has(name: string): boolean } } | undefined;
  readonly response?: { readonly status: number; readonly headers: object; readonly data: unknown } | undefined;
}

interface RequestParts {
  method?: string;
  headers: { has(name: string): boolean; set(name: string, value: string): unknown };
}

interface AxiosParts {
  /** `use` has types of its own in every version of axios. */
  readonly interceptors: { readonly request: { use(...args: never[]): number } };
}

/**
 * Adds a key to the requests of an axios instance that change something, and leaves it as it is when axios-retry sends the request again.
 * Returns the options for axios-retry: the retry table of this package, instead of its own, which never repeats a POST that got an answer.
 *
 * @example
 * axiosRetry(api, idempotentAxios(api));
 * await api.post('/payments', order);
 */
export function idempotentAxios(instance: AxiosParts, options: KeyOptions = {}) {
  const { headerName, createKey, methods, retries, maxRetryAfterMs } = withDefaults(options);
  const addKey = (config: RequestParts): RequestParts => {
    const isCovered = methods.includes((config.method ?? 'get').toUpperCase());
    if (isCovered && !config.headers.has(headerName)) config.headers.set(headerName, createKey());
    return config;
  };
  instance.interceptors.request.use(addKey as never);

  const waitOf = ({ response }: AxiosErrorParts) =>
    response &&
    readRetryAfter(headersOf({ ...response.headers }), Reflect.get(problemOf(response.data), 'retryAfterMs'));
  return {
    retries,
    /** A time-out of axios counts for one send. */
    shouldResetTimeout: true,
    retryDelay: (retryCount: number, error: AxiosErrorParts) => retryDelayMs(retryCount, waitOf(error)),
    retryCondition: (error: AxiosErrorParts): boolean => {
      if (!error.config?.headers.has(headerName) || error.code === 'ERR_CANCELED') return false;
      if ((waitOf(error) ?? 0) > maxRetryAfterMs) return false;
      const { response } = error;
      return response === undefined || isRetried(response.status, headersOf({ ...response.headers }), response.data);
    },
  };
}
