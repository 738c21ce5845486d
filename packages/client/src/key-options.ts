// What the helpers for other HTTP clients have in common.
import { randomKey } from './random-key.js';
import { readRetryAfter } from './retry-after.js';
import { retriedStatuses as alwaysRetried, judgeResponse } from './verdict.js';

export interface KeyOptions {
  /** Default: `Idempotency-Key`. */
  readonly headerName?: string;
  /** Makes a key. Default: a random UUID. */
  readonly createKey?: () => string;
  /** Which requests get a key. Default: POST, PATCH, PUT and DELETE. */
  readonly methods?: readonly string[];
  /** How often a request is sent again, at most. Default: 5. */
  readonly retries?: number;
  /** Where a server wants a longer wait, in milliseconds, the request is not sent again. Default: 30 000. */
  readonly maxRetryAfterMs?: number;
}

export const withDefaults = (options: KeyOptions) => ({
  headerName: 'Idempotency-Key',
  createKey: randomKey,
  methods: ['POST', 'PATCH', 'PUT', 'DELETE'] as readonly string[],
  retries: 5,
  maxRetryAfterMs: 30_000,
  ...options,
});

/** Statuses that are worth a retry; 409 where the response says so. */
export const retriedStatuses = [...alwaysRetried, 409];

/** Headers as a plain object with names in lower case, as Node's clients have them. */
export type PlainHeaders = Readonly<Record<string, unknown>>;

export function headersOf(headers: PlainHeaders): Pick<Headers, 'get'> {
  return {
    get: (name) => {
      const value = headers[name.toLowerCase()];
      return value === undefined || value === null ? null : String(value);
    },
  };
}

/** Whether the retry table sends again what got this response. `body` is parsed JSON, or its text. */
export function isRetried(status: number, headers: Pick<Headers, 'get'>, body: unknown): boolean {
  return judgeResponse(status, headers, problemOf(body)) === 'retry';
}

export function problemOf(body: unknown): object {
  try {
    const parsed: unknown = typeof body === 'string' ? JSON.parse(body) : body;
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}

/** What an error tells of its response: it has the `status` itself, or a `response` with one, and perhaps the parsed body as `data`. */
export function responseOf(error: object) {
  const { response = error, data }: { response?: object; data?: unknown } = error;
  const { status, headers = new Headers() }: { status?: number; headers?: Headers } = response;
  const body = problemOf(data);
  return { status, headers, body, waitMs: readRetryAfter(headers, Reflect.get(body, 'retryAfterMs')) ?? 0 };
}

/** Exponential with full jitter, or what the server wants where that is longer. Milliseconds. */
export function retryDelayMs(retries: number, retryAfterMs = 0): number {
  return Math.max(retryAfterMs, Math.random() * Math.min(8_000, 250 * 2 ** retries));
}
