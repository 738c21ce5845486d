// The retry table: what a response means for a caller that has sent its request under a key.
import { readRetryAfter } from './retry-after.js';

/**
 * - `final`: the answer to the request, good or bad.
 * - `retry`: send it again, under the same key.
 * - `outcome_unknown`: the work may have taken effect, and nobody knows. Never send it again without a person.
 * - `key_reused`: the key belongs to another request.
 */
export type Verdict = 'final' | 'retry' | 'outcome_unknown' | 'key_reused';

/** What is read of a body that describes an error: an RFC 9457 problem document, or `{ error: { code, type } }`. */
export interface ProblemMembers {
  readonly code?: unknown;
  readonly type?: unknown;
  readonly retryable?: unknown;
  readonly retryAfterMs?: unknown;
  readonly completed?: unknown;
  readonly error?: ProblemMembers | null;
}

export const retriedStatuses = [408, 425, 429, 500, 502, 503, 504];

/**
 * Decides by what is most certain: the code of the problem, its `retryable`, the header `Stripe-Should-Retry`, the replay marker, then the status.
 * The code is a member, or the end of the type, as in `urn:onceguard:problem:in_progress`. A replayed response is on record, so it would
 * come again: it is final, unless its problem says otherwise.
 */
export function judgeResponse(status: number, headers: Pick<Headers, 'get'>, problem: ProblemMembers = {}): Verdict {
  const nested: ProblemMembers = problem.error ?? {};
  const type = String(problem.type ?? nested.type);
  const code = String(problem.code ?? nested.code ?? type.split(':').pop());
  const { retryable } = problem;
  const shouldRetry = headers.get('Stripe-Should-Retry');
  if (code === 'outcome_unknown' || (retryable === false && problem.completed === 'unknown')) return 'outcome_unknown';
  if (/key_reused$/.test(code) || (type === 'idempotency_error' && status === 400)) return 'key_reused';
  if (/in_(progress|use)$/.test(code) || retryable === true) return 'retry';
  if (retryable === false || shouldRetry === 'false') return 'final';
  if (shouldRetry === 'true') return 'retry';
  if (headers.get('Idempotent-Replayed') === 'true') return 'final';
  const isConflict = status === 409 && readRetryAfter(headers, problem.retryAfterMs) !== undefined;
  return isConflict || retriedStatuses.includes(status) ? 'retry' : 'final';
}
