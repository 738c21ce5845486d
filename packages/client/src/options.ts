// The options of idempotentFetch: what they mean, their defaults, and what is refused.
import { type IdempotentFetchError, RequestInvalidError } from './errors.js';
import type { KeyStore } from './key-store.js';
import { randomKey } from './random-key.js';
import type { ProblemMembers } from './verdict.js';

export interface RetryEvent {
  readonly key: string;
  /** How often the request has been sent. */
  readonly attempts: number;
  /** How long the next send waits, in milliseconds. */
  readonly delayMs: number;
  /** What the last send came to: a response, or what `fetch` threw. */
  readonly response: Response | undefined;
  readonly error: unknown;
}

export interface FinalEvent {
  readonly key: string;
  readonly attempts: number;
  readonly response: Response | undefined;
  /** What the call rejects with. Undefined where it resolves. */
  readonly error: IdempotentFetchError | undefined;
}

/** All times are in milliseconds. */
export interface IdempotentFetchOptions {
  /** How often a request is sent again, at most. Default: 5. */
  readonly retries?: number;
  /** The deadline of a call, over all sends and waits. Default: 60 000. */
  readonly totalTimeoutMs?: number;
  /** The time limit of one send, until its response is read. Default: 20 000. */
  readonly tryTimeoutMs?: number;
  /** The first wait is between 0 and this, and it doubles with every retry. Default: 250. */
  readonly baseDelayMs?: number;
  /** The longest wait, where the server names none. Default: 8 000. */
  readonly maxDelayMs?: number;
  /** Where a server wants a longer wait, the call ends instead. Default: 30 000. */
  readonly maxRetryAfterMs?: number;
  /** Default: `Idempotency-Key`. */
  readonly headerName?: string;
  /** Makes a key. Default: a random UUID. */
  readonly createKey?: () => string;
  /** Where the keys of intents are kept. Default: none, so that `intent` is refused. */
  readonly keyStore?: KeyStore;
  /**
   * Called at the first 401 of a call. Refresh the token here and return the headers that change; the request is then sent again under the
   * same key. Return false to leave it at the 401. An error that it throws rejects the call.
   */
  readonly onUnauthorized?: (response: Response) => UnauthorizedReply | Promise<UnauthorizedReply>;
  /** Overrides the retry table: true sends again, false does not, undefined leaves it to the table. */
  readonly shouldRetry?: (response: Response, problem: ProblemMembers) => boolean | undefined;
  readonly onRetry?: (event: RetryEvent) => void;
  readonly onFinal?: (event: FinalEvent) => void;
  /** Default: the global `fetch`, at the time of each send. */
  readonly fetch?: typeof globalThis.fetch;
}

// biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing is welcome
export type UnauthorizedReply = Readonly<Record<string, string>> | boolean | void;

export type Settings = Required<IdempotentFetchOptions>;

const none = () => undefined;

const defaults: Settings = {
  retries: 5,
  totalTimeoutMs: 60_000,
  tryTimeoutMs: 20_000,
  baseDelayMs: 250,
  maxDelayMs: 8_000,
  maxRetryAfterMs: 30_000,
  headerName: 'Idempotency-Key',
  createKey: randomKey,
  keyStore: {
    claim: () => Promise.reject(new RequestInvalidError('intent needs the option keyStore.')),
    forget: async () => undefined,
  },
  onUnauthorized: () => false,
  shouldRetry: none,
  onRetry: none,
  onFinal: none,
  fetch: (...args) => globalThis.fetch(...args),
};

/** Timers take no more. */
const maxNumber = 2 ** 31 - 1;

/** Throws a `TypeError` that names the option, its value and what is allowed. */
export function checkOptions(options: IdempotentFetchOptions): Settings {
  const settings: Record<string, unknown> = { ...defaults };
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const type = typeof settings[name];
    if (typeof value !== type || value < 0 || value > maxNumber || Number.isNaN(value)) {
      throw new TypeError(`${name}: ${value} is not ${describeAllowed(type)}.`);
    }
    settings[name] = value;
  }
  return settings as unknown as Settings;
}

/** What an option may be whose default has this type. A name that is no option has no default. */
function describeAllowed(type: string): string {
  if (type === 'number') return `from 0 to ${maxNumber}`;
  return type === 'undefined' ? 'an option' : `a ${type}`;
}
