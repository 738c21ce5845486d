// Which answers are recorded, and what becomes of the key where one is not.
import type { Settlement } from '../engine/plan.js';
import { IdempotencyError } from '../errors.js';
import type { HttpAnswer } from './exchange.js';
import { type HeaderEntry, headerChange, type OmitRule } from './headers.js';
import type { CheckedHttpOptions } from './options.js';
import { encodeResponse, type RecordedResponse } from './recorded-response.js';

/**
 * Statuses that say that the request was not processed: the retry after a login, a proxy's sign-in, a time-out, an unlock, a
 * replayed early-data request or a back-off must run.
 */
const notProcessed = new Set([401, 403, 407, 408, 423, 425, 429]);

export interface HandlersAnswer {
  /** Null: none came. */
  readonly answer: HttpAnswer | null;
  /** What stood on the response when the handler's side was entered. */
  readonly baseline: readonly HeaderEntry[];
  readonly nothingHappened: boolean;
}

export function settle<Request>(
  { answer, baseline, nothingHappened }: HandlersAnswer,
  options: Pick<CheckedHttpOptions<Request>, 'isFinal' | 'onFailure'>,
  isOmitted: OmitRule,
): Settlement {
  if (answer !== null && isFinal(answer, options.isFinal)) return recorded(answer, baseline, isOmitted);
  const wasProcessed = answer === null || answer.status >= 500;
  if (wasProcessed && options.onFailure === 'unknown' && !nothingHappened) {
    return { as: 'unknown', retryAfterMs: null, note: null };
  }
  return { as: 'retryable' };
}

function isFinal(answer: HttpAnswer, chosen: CheckedHttpOptions<unknown>['isFinal']): boolean {
  if (chosen !== undefined) return asked(chosen, answer);
  return answer.status < 500 && !notProcessed.has(answer.status) && !answer.unrouted;
}

/** The handler has run: what a failing `isFinal` would have said is not known, so its answer must not go out as if. */
function asked(chosen: (answer: HttpAnswer) => boolean, answer: HttpAnswer): boolean {
  let final: unknown;
  try {
    final = chosen(answer);
  } catch (cause) {
    throw new IdempotencyError('option_invalid', 'The option isFinal threw; it must answer true or false.', { cause });
  }
  if (typeof final === 'boolean') return final;
  throw new IdempotencyError(
    'option_invalid',
    `The option isFinal gave ${String(final)}; it must answer true or false.`,
  );
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
  const { status, reason, trailers, body } = answer;
  const headers = headerChange(baseline, answer.headers, isOmitted);
  const outcome = body === null ? null : encodeResponse({ status, reason, headers, trailers, body });
  return { as: 'done', outcome, note: String(status) };
}
