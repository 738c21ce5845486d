// Which answers are recorded, and what becomes of the key where one is not.
import type { Settlement } from '../engine/execution.js';
import { IdempotencyError } from '../errors.js';
import { diffHeaders, type HeaderEntry, type HeaderNamePredicate } from './headers.js';
import type { HttpResponse } from './http-exchange.js';
import type { CheckedHttpOptions } from './http-options.js';
import { isInconclusiveProblem } from './problem-document.js';
import { encodeRecordedResponse, type RecordedResponse } from './recorded-response.js';
import { headerValue, type ResponseView, responseView } from './response-view.js';

/**
 * What an answer means for the key. `record`: every repeat gets this answer. `retry`: the key is free, and stays bound to its payload.
 * `unknown`: somebody has to decide before anything runs under the key again.
 */
export type Classification = 'record' | 'retry' | 'unknown';

/**
 * Statuses that say that the request was not processed: the retry after a login, a proxy's sign-in, an unlock, a replayed early-data
 * request or a back-off must run. A 408 is not among them: time-out layers give it while the handler works.
 */
const notProcessedStatuses = new Set([401, 403, 407, 423, 425, 429]);

const keyFreed = { as: 'retryable' } as const;
/** Nothing happened, so the next request may have another payload. */
const keyFreedAndUnbound = { as: 'retryable', unbind: true } as const;
const outcomeUnknown = { as: 'unknown', retryAfterMs: null, note: null } as const;

export interface HandlerResponse {
  /** Null: none came. */
  readonly answer: HttpResponse | null;
  /** What stood on the response when the handler's side was entered. */
  readonly baseline: readonly HeaderEntry[];
  readonly nothingHappened: boolean;
  /** The framework knows that the handler still works: somebody else has answered. */
  readonly isWorking: boolean;
}

type ClassificationOptions = Pick<CheckedHttpOptions<never>, 'classify' | 'isFinal' | 'onFailure'>;

/** Throws an `IdempotencyError` where `classify` or `isFinal` throws, or gives what it must not. */
export function settleResponse(
  given: HandlerResponse,
  policy: ClassificationOptions,
  isOmitted: HeaderNamePredicate,
): Settlement {
  const { answer, baseline, nothingHappened, isWorking } = given;
  if (answer === null) return nothingHappened ? keyFreedAndUnbound : settleFailure(policy);
  // The handler itself knows best, whatever its answer looks like.
  if (nothingHappened && answer.status >= 400) return keyFreedAndUnbound;
  switch (classifyResponse(answer, policy)) {
    case 'record':
      return settleRecorded(answer, baseline, isOmitted);
    case 'retry':
      return keyFreed;
    case 'unknown':
      return nothingHappened ? keyFreedAndUnbound : outcomeUnknown;
    case 'not final':
      if (nothingHappened || (wasNotProcessed(answer) && !isWorking)) return keyFreedAndUnbound;
      return settleFailure(policy);
  }
}

/** What becomes of the key after a failure. */
export function settleFailure({ onFailure }: Pick<ClassificationOptions, 'onFailure'>): Settlement {
  return onFailure === 'unknown' ? outcomeUnknown : keyFreed;
}

function classifyResponse(
  answer: HttpResponse,
  { classify, isFinal }: ClassificationOptions,
): Classification | 'not final' {
  if (isFinal !== undefined) return callIsFinal(isFinal, responseView(answer)) ? 'record' : 'not final';
  const chosen = classify === undefined ? undefined : callClassify(classify, responseView(answer));
  return chosen ?? (isFinalByDefault(answer) ? 'record' : 'not final');
}

function wasNotProcessed({ status, isUnrouted }: HttpResponse): boolean {
  return notProcessedStatuses.has(status) || isUnrouted;
}

function isFinalByDefault(answer: HttpResponse): boolean {
  const { status, headers } = answer;
  if (status < 400) return true;
  if (status === 408 || status >= 500 || wasNotProcessed(answer)) return false;
  if (headerValue(headers, 'retry-after') !== undefined) return false;
  // A gateway passes on what another guarded service said.
  const type = headerValue(headers, 'content-type') ?? '';
  return !/^application\/problem\+json\b/i.test(type) || !isInconclusiveProblem(responseView(answer).json());
}

function callClassify(
  classify: NonNullable<ClassificationOptions['classify']>,
  view: ResponseView,
): Classification | undefined {
  const rule = 'it must answer "record", "retry", "unknown" or undefined';
  const given = callOption('classify', rule, () => classify(view));
  if (given === 'record' || given === 'retry' || given === 'unknown' || given === undefined) return given;
  throw invalidOption('classify', `gave ${describeValue(given)}`, rule);
}

function callIsFinal(isFinal: NonNullable<ClassificationOptions['isFinal']>, view: ResponseView): boolean {
  const rule = 'it must answer true or false';
  const given = callOption('isFinal', rule, () => isFinal(view));
  if (typeof given === 'boolean') return given;
  throw invalidOption('isFinal', `gave ${describeValue(given)}`, rule);
}

function callOption(option: string, rule: string, call: () => unknown): unknown {
  try {
    const given = call();
    // Its rejection would end the process.
    if (given instanceof Promise) given.catch(() => {});
    return given;
  } catch (cause) {
    throw invalidOption(option, 'threw', rule, { cause });
  }
}

function describeValue(given: unknown): string {
  return typeof given === 'object' && given !== null ? Object.prototype.toString.call(given) : String(given);
}

function invalidOption(option: string, did: string, rule: string, options?: ErrorOptions): IdempotencyError {
  return new IdempotencyError('option_invalid', `The option ${option} ${did}; ${rule}.`, options);
}

/** What was found out is recorded as any answer is. */
export function settleRecovered(
  response: RecordedResponse,
  { maxOutcomeBytes }: { maxOutcomeBytes: number },
): Settlement {
  const outcome = response.body.byteLength > maxOutcomeBytes ? null : encodeRecordedResponse(response);
  return { as: 'done', outcome, note: String(response.status) };
}

/** The note is the status: a tombstone still says with what the work ended. */
function settleRecorded(
  answer: HttpResponse,
  baseline: readonly HeaderEntry[],
  isOmitted: HeaderNamePredicate,
): Settlement {
  const { status, reason, body } = answer;
  const headers = diffHeaders(baseline, answer.headers, isOmitted);
  const trailers = answer.trailers.filter(([name]) => !isOmitted(name));
  const outcome =
    body === null ? null : encodeRecordedResponse({ status, reason, headers, trailers, body: body.toBuffer() });
  return { as: 'done', outcome, note: String(status) };
}
