// idempotentFetch: fetch with one key for one intention, however often the request is sent.
import { RequestInvalidError } from './errors.js';
import type { ClaimedKey } from './key-store.js';
import { checkOptions, type IdempotentFetchOptions } from './options.js';
import { type RepeatableBody, type RepeatableRequest, repeatableRequest } from './repeatable-request.js';
import { runHook, sendUntilFinal } from './send-until-final.js';

export interface IdempotentRequestInit extends Omit<RequestInit, 'body' | 'signal'> {
  /** What `fetch` takes. A stream needs a function that makes it, because it can be sent once only. */
  readonly body?: RepeatableBody | undefined;
  readonly signal?: AbortSignal | null | undefined;
  /** A key of your own: 1 to 255 visible ASCII characters. Default: the header, else a new one. */
  readonly idempotencyKey?: string | undefined;
  /** What the call is about, such as `order-17`. Its key is kept in the `keyStore`, over reloads and crashes and for all tabs. */
  readonly intent?: string | undefined;
}

export interface IdempotentFetch {
  /**
   * Sends a request under one key until there is a final answer, and resolves with it: any status, its body in memory. Rejects with an
   * `IdempotentFetchError`, or with the reason of the signal if that aborts.
   */
  (input: string | URL | Request, init?: IdempotentRequestInit): Promise<Response>;
  /** Continues a call of this function that ended without a final answer. After a reload, repeat the call with its key or intent instead. */
  resume(key: string, init?: { readonly signal?: AbortSignal }): Promise<Response>;
  /** Drops the key of an intent, so that its next call is a new intention. Do so when the customer begins another order. */
  forget(intent: string): Promise<void>;
}

/** A call that has no final answer yet. */
interface OpenCall extends Partial<ClaimedKey> {
  readonly key: string;
  readonly request: RepeatableRequest;
  /** An earlier run may have sent the request. */
  wasSent: boolean;
}

/** How many calls without a final answer can be resumed. The oldest is dropped. */
const maxOpenCalls = 100;

/**
 * Makes a `fetch` for requests that must take effect once. See `IdempotentFetchOptions` for units and defaults. Throws a `TypeError` for an
 * option that is not valid.
 *
 * @example
 * const pay = idempotentFetch({ retries: 5, totalTimeoutMs: 60_000 });
 * const response = await pay('/payments', { method: 'POST', body: JSON.stringify(order) });
 */
export function idempotentFetch(options: IdempotentFetchOptions = {}): IdempotentFetch {
  const settings = checkOptions(options);
  const { keyStore, headerName } = settings;
  const openCalls = new Map<string, OpenCall>();

  const run = async (call: OpenCall, signal: AbortSignal | null | undefined): Promise<Response> => {
    const { key, request } = call;
    openCalls.set(key, call);
    if (openCalls.size > maxOpenCalls) openCalls.delete(String(openCalls.keys().next().value));
    const { wasSent } = call;
    call.wasSent = true;
    const result = await sendUntilFinal(request, key, settings, signal, wasSent);
    const { attempts, response, error } = result;
    if (error === undefined) openCalls.delete(key);
    await call.settle?.(result);
    runHook(() => settings.onFinal({ key, attempts, response, error }));
    if (error !== undefined) throw error;
    return response as Response;
  };

  const send = async (input: string | URL | Request, init: IdempotentRequestInit = {}): Promise<Response> => {
    const { idempotencyKey, intent, ...rest } = init;
    const request = repeatableRequest(input, rest as RequestInit);
    const given = idempotencyKey ?? request.template.headers.get(headerName);
    let call: OpenCall = { request, wasSent: false, key: checkKey(given ?? settings.createKey()) };
    const signal = init.signal ?? (input as Partial<Request>).signal;
    signal?.throwIfAborted();
    if (intent !== undefined) {
      if (given !== null) throw new RequestInvalidError('Give an intent or a key, not both.');
      call = { ...call, ...(await keyStore.claim(intent, await request.next(), call.key)) };
    }
    request.headers[headerName] = call.key;
    return await run(call, signal);
  };

  return Object.assign(send, {
    resume: async (key: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<Response> => {
      const call = openCalls.get(key);
      if (call === undefined) throw new RequestInvalidError('No open call has this key. Repeat the call with it.');
      return await run(call, signal);
    },
    forget: (intent: string) => keyStore.forget(intent),
  });
}

function checkKey(key: string): string {
  if (/^(?!(undefined|null|NaN)$)[!-~]{1,255}$/.test(key)) return key;
  throw new RequestInvalidError(`"${key}" is no key. It must be 1 to 255 visible ASCII characters.`);
}
