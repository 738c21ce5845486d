// Decides what a response means for its key: it is recorded, the key is released, or the outcome is unknown.
import type { Settlement } from '../engine/execution.js';
import { IdempotencyError } from '../errors.js';
import { diffHeaders } from './header-change.js';
import { type HeaderEntry, headerValue } from './headers.js';
import type { CheckedHttpOptions } from './http-options.js';
import type { HeaderNamePredicate } from './omitted-headers.js';
import { isInconclusiveProblem } from './problem-document.js';
import { type RecordedResponse, recordedResponseWriter } from './recorded-response.js';
import type { CapturedResponse } from './response.js';
import { ResponseBody } from './response-body.js';
import { type Classification, type ResponseView, responseView } from './response-view.js';

/**
 * Statuses which say that the request was not processed. The retry after a login, a proxy's sign-in, an unlock, a replayed early-data
 * request or a back-off must run. 408 is not among them: time-out layers send it while the handler works.
 */
const notProcessedStatuses = new Set([401, 403, 407, 423, 425, 429]);

const keyReleased = { as: 'retryable' } as const satisfies Settlement;
/** Nothing happened, so the next request may have another payload. */
const keyReleasedAndUnbound = { as: 'retryable', unbindFingerprint: true } as const satisfies Settlement;
const outcomeUnknown = { as: 'unknown', retryAfterMs: null, note: null } as const satisfies Settlement;

/** What one run of the handler came to. */
export interface HandlerRun {
  /** Null: the handler gave no response. */
  readonly response: CapturedResponse | null;
  /** The headers of the response when the handler was entered. */
  readonly baselineHeaders: readonly HeaderEntry[];
  /** The handler called `markNothingHappened()`. */
  readonly nothingHappened: boolean;
  /** Something other than the handler has responded, and the handler still runs. */
  readonly isHandlerRunning: boolean;
  /** The framework made this 404 or 405, because no route matched. */
  readonly isUnrouted: boolean;
}

type ClassificationOptions = Pick<CheckedHttpOptions<never>, 'classify' | 'isFinal' | 'onFailure'>;

/** Throws an `IdempotencyError` where `classify` or `isFinal` throws or returns what it must not. */
export function settleResponse(
  run: HandlerRun,
  options: ClassificationOptions,
  isOmitted: HeaderNamePredicate,
): Settlement {
  const { response, nothingHappened } = run;
  if (response === null) return nothingHappened ? keyReleasedAndUnbound : settleFailure(options);
  // The handler knows best, whatever its response looks like.
  if (nothingHappened && response.status >= 400) return keyReleasedAndUnbound;
  switch (classifyResponse(response, run.isUnrouted, options)) {
    case 'record':
      return settleRecorded(response, run.baselineHeaders, isOmitted);
    case 'retry':
      return keyReleased;
    case 'unknown':
      return nothingHappened ? keyReleasedAndUnbound : outcomeUnknown;
    case 'not_final': {
      const nothingRan = wasNotProcessed(response, run.isUnrouted) && !run.isHandlerRunning;
      return nothingHappened || nothingRan ? keyReleasedAndUnbound : settleFailure(options);
    }
  }
}

/** What becomes of the key after a failure. */
export function settleFailure({ onFailure }: Pick<ClassificationOptions, 'onFailure'>): Settlement {
  return onFailure === 'unknown' ? outcomeUnknown : keyReleased;
}

/** A response that `onAbandoned` returned is recorded like any other. */
export function settleRecovered(
  response: RecordedResponse,
  { maxOutcomeBytes }: { maxOutcomeBytes: number },
): Settlement {
  const isTooLarge = response.body.byteLength > maxOutcomeBytes;
  const body = new ResponseBody(response.body);
  return {
    as: 'done',
    kind: 'response',
    outcome: isTooLarge ? null : recordedResponseWriter(response, body),
    note: String(response.status),
  };
}

/** The note is the status, so that a tombstone still says with which status the work ended. */
function settleRecorded(
  response: CapturedResponse,
  baselineHeaders: readonly HeaderEntry[],
  isOmitted: HeaderNamePredicate,
): Settlement {
  const { status, reason, body } = response;
  const headerChange = diffHeaders(baselineHeaders, response.headers, isOmitted);
  const trailers = response.trailers.filter(([name]) => !isOmitted(name));
  const outcome = body === null ? null : recordedResponseWriter({ status, reason, headerChange, trailers }, body);
  return { as: 'done', kind: 'response', outcome, note: String(status) };
}

function classifyResponse(
  response: CapturedResponse,
  isUnrouted: boolean,
  { classify, isFinal }: ClassificationOptions,
): Classification | 'not_final' {
  if (isFinal !== undefined) return callIsFinal(isFinal, responseView(response)) ? 'record' : 'not_final';
  const chosen = classify === undefined ? undefined : callClassify(classify, responseView(response));
  return chosen ?? (isFinalByDefault(response, isUnrouted) ? 'record' : 'not_final');
}

function wasNotProcessed({ status }: CapturedResponse, isUnrouted: boolean): boolean {
  return notProcessedStatuses.has(status) || isUnrouted;
}

function isFinalByDefault(response: CapturedResponse, isUnrouted: boolean): boolean {
  const { status, headers } = response;
  if (status < 400) return true;
  if (status === 408 || status >= 500 || wasNotProcessed(response, isUnrouted)) return false;
  if (headerValue(headers, 'retry-after') !== undefined) return false;
  // A gateway may pass on the refusal of another service that uses onceguard.
  const type = headerValue(headers, 'content-type') ?? '';
  return !/^application\/problem\+json\b/i.test(type) || !isInconclusiveProblem(responseView(response).json());
}

function callClassify(
  classify: NonNullable<ClassificationOptions['classify']>,
  view: ResponseView,
): Classification | undefined {
  const rule = 'it must return "record", "retry", "unknown" or undefined';
  const returned = callOption('classify', rule, () => classify(view));
  if (returned === 'record' || returned === 'retry' || returned === 'unknown' || returned === undefined)
    return returned;
  throw invalidOption('classify', `returned ${describeValue(returned)}`, rule);
}

function callIsFinal(isFinal: NonNullable<ClassificationOptions['isFinal']>, view: ResponseView): boolean {
  const rule = 'it must return true or false';
  const returned = callOption('isFinal', rule, () => isFinal(view));
  if (typeof returned === 'boolean') return returned;
  throw invalidOption('isFinal', `returned ${describeValue(returned)}`, rule);
}

function callOption(option: string, rule: string, call: () => unknown): unknown {
  try {
    const returned = call();
    // Nobody waits for this promise, and an unhandled rejection would end the process.
    if (returned instanceof Promise) returned.catch(() => {});
    return returned;
  } catch (cause) {
    throw invalidOption(option, 'threw', rule, { cause });
  }
}

function describeValue(value: unknown): string {
  return typeof value === 'object' && value !== null ? Object.prototype.toString.call(value) : String(value);
}

function invalidOption(option: string, did: string, rule: string, options?: ErrorOptions): IdempotencyError {
  return new IdempotencyError('option_invalid', `The option ${option} ${did}; ${rule}.`, options);
}
