// Which answers are recorded, and what becomes of the key where one is not.
import type { Settlement } from '../engine/plan.js';
import { IdempotencyError } from '../errors.js';
import { type AnswerView, answerView, headerLine } from './answer-view.js';
import type { HttpAnswer } from './exchange.js';
import { type HeaderEntry, headerChange, type OmitRule } from './headers.js';
import type { CheckedHttpOptions } from './options.js';
import { isUndecidedProblem } from './problem.js';
import { encodeResponse, type RecordedResponse } from './recorded-response.js';

/**
 * What an answer means for the key. `record`: every repeat gets this answer. `retry`: the key is free, and stays bound to its payload.
 * `unknown`: somebody has to decide before anything runs under the key again.
 */
export type Classification = 'record' | 'retry' | 'unknown';

/**
 * Statuses that say that the request was not processed: the retry after a login, a proxy's sign-in, an unlock, a replayed early-data
 * request or a back-off must run. A 408 is not among them: time-out layers give it while the handler works.
 */
const notProcessed = new Set([401, 403, 407, 423, 425, 429]);

const freed = { as: 'retryable' } as const;
/** Nothing happened, so the next request may have another payload. */
const unbound = { as: 'retryable', unbind: true } as const;
const unknown = { as: 'unknown', retryAfterMs: null, note: null } as const;

export interface HandlersAnswer {
  /** Null: none came. */
  readonly answer: HttpAnswer | null;
  /** What stood on the response when the handler's side was entered. */
  readonly baseline: readonly HeaderEntry[];
  readonly nothingHappened: boolean;
  /** The framework knows that the handler still works: somebody else has answered. */
  readonly isWorking: boolean;
}

type Policy = Pick<CheckedHttpOptions<never>, 'classify' | 'isFinal' | 'onFailure'>;

/** Throws an `IdempotencyError` where `classify` or `isFinal` throws, or gives what it must not. */
export function settle(given: HandlersAnswer, policy: Policy, isOmitted: OmitRule): Settlement {
  const { answer, baseline, nothingHappened, isWorking } = given;
  if (answer === null) return nothingHappened ? unbound : settleFailure(policy);
  // The handler itself knows best, whatever its answer looks like.
  if (nothingHappened && answer.status >= 400) return unbound;
  switch (classified(answer, policy)) {
    case 'record':
      return recorded(answer, baseline, isOmitted);
    case 'retry':
      return freed;
    case 'unknown':
      return nothingHappened ? unbound : unknown;
    case 'not final':
      if (nothingHappened || (wasNotProcessed(answer) && !isWorking)) return unbound;
      return settleFailure(policy);
  }
}

/** What becomes of the key after a failure. */
export function settleFailure({ onFailure }: Pick<Policy, 'onFailure'>): Settlement {
  return onFailure === 'unknown' ? unknown : freed;
}

function classified(answer: HttpAnswer, { classify, isFinal }: Policy): Classification | 'not final' {
  if (isFinal !== undefined) return callIsFinal(isFinal, answerView(answer)) ? 'record' : 'not final';
  const chosen = classify === undefined ? undefined : callClassify(classify, answerView(answer));
  return chosen ?? (isFinalByDefault(answer) ? 'record' : 'not final');
}

function wasNotProcessed({ status, unrouted }: HttpAnswer): boolean {
  return notProcessed.has(status) || unrouted;
}

function isFinalByDefault(answer: HttpAnswer): boolean {
  const { status, headers } = answer;
  if (status < 400) return true;
  if (status === 408 || status >= 500 || wasNotProcessed(answer)) return false;
  if (headerLine(headers, 'retry-after') !== undefined) return false;
  // A gateway passes on what another guarded service said.
  const type = headerLine(headers, 'content-type') ?? '';
  return !/^application\/problem\+json\b/i.test(type) || !isUndecidedProblem(answerView(answer).json());
}

function callClassify(classify: NonNullable<Policy['classify']>, view: AnswerView): Classification | undefined {
  const rule = 'it must answer "record", "retry", "unknown" or undefined';
  const given = called('classify', rule, () => classify(view));
  if (given === 'record' || given === 'retry' || given === 'unknown' || given === undefined) return given;
  throw invalid('classify', `gave ${shown(given)}`, rule);
}

function callIsFinal(isFinal: NonNullable<Policy['isFinal']>, view: AnswerView): boolean {
  const rule = 'it must answer true or false';
  const given = called('isFinal', rule, () => isFinal(view));
  if (typeof given === 'boolean') return given;
  throw invalid('isFinal', `gave ${shown(given)}`, rule);
}

function called(option: string, rule: string, call: () => unknown): unknown {
  try {
    const given = call();
    // Its rejection would end the process.
    if (given instanceof Promise) given.catch(() => {});
    return given;
  } catch (cause) {
    throw invalid(option, 'threw', rule, { cause });
  }
}

function shown(given: unknown): string {
  return typeof given === 'object' && given !== null ? Object.prototype.toString.call(given) : String(given);
}

function invalid(option: string, did: string, rule: string, options?: ErrorOptions): IdempotencyError {
  return new IdempotencyError('option_invalid', `The option ${option} ${did}; ${rule}.`, options);
}

/** What was found out is recorded as any answer is. */
export function settleFound(
  response: RecordedResponse,
  { maxResponseBytes }: { maxResponseBytes: number },
): Settlement {
  const outcome = response.body.byteLength > maxResponseBytes ? null : encodeResponse(response);
  return { as: 'done', outcome, note: String(response.status) };
}

/** The note is the status: a tombstone still says with what the work ended. */
function recorded(answer: HttpAnswer, baseline: readonly HeaderEntry[], isOmitted: OmitRule): Settlement {
  const { status, reason, body } = answer;
  const headers = headerChange(baseline, answer.headers, isOmitted);
  const trailers = answer.trailers.filter(([name]) => !isOmitted(name));
  const outcome = body === null ? null : encodeResponse({ status, reason, headers, trailers, body });
  return { as: 'done', outcome, note: String(status) };
}
