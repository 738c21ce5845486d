// What the record says to a caller who may not run, as the execution that this caller gets.
import { isCached } from '../cached-replies.js';
import { publish } from '../events.js';
import type { Standing } from '../protocol/messages.js';
import type { NotAcquired } from './acquisition.js';
import type { Attempt } from './attempt.js';
import { awaitOutcome } from './await-outcome.js';
import { verifyOutcome } from './checksum.js';
import { noticeRefusal } from './doubt-notices.js';
import type { Execution, ExecutionRequest, Work } from './execution.js';
import { LeaseAcquirer } from './lease-acquirer.js';
import type { StoreClient } from './store-client.js';
import { noteOutcome } from './trace-execution.js';

export function toExecution<T>(
  storeClient: StoreClient,
  request: ExecutionRequest,
  work: Work<T>,
  standing: NotAcquired,
): Execution<T> {
  noteOutcome(request, standing.kind === 'completed' ? 'replayed' : standing.kind);
  switch (standing.kind) {
    case 'completed':
      return replay(storeClient, request, work, standing);
    case 'expired':
      return { kind: 'expired', completedAt: standing.completedAt, note: standing.note };
    case 'in_progress':
      return { kind: 'in_progress', retryAfterMs: standing.retryAfterMs };
    case 'outcome_unknown':
      noticeRefusal(storeClient, request);
      return { kind: 'outcome_unknown', retryAfterMs: standing.retryAfterMs, recordName: request.recordName };
    case 'key_reused':
      return { kind: 'key_reused', version: standing.version };
  }
}

function replay<T>(
  storeClient: StoreClient,
  request: ExecutionRequest,
  work: Work<T>,
  standing: Extract<NotAcquired, { kind: 'completed' }>,
): Execution<T> {
  const { completedAt, traceparent } = standing;
  const verify = () => verifyOutcome(request.recordName, standing.outcome);
  const value = work.decode(storeClient.verify('acquire', request, verify));
  if (request.trace !== undefined) request.trace.originalTraceparent = traceparent;
  publish('replayed', () => {
    const ageMs = Math.max(0, (storeClient.clock.estimate() ?? completedAt) - completedAt);
    const from = isCached(standing) ? 'cache' : 'store';
    return { ...storeClient.eventSubject(request), completedAt, ageMs, from };
  });
  return { kind: 'replayed', value, completedAt };
}

/**
 * For an attempt that has lost its lease: returns what the new owner records, after waiting like any duplicate. The operation never
 * runs again in this call. `standing` is what the store has said already; null: it has not been read since the lease was lost.
 */
export async function followNewOwner<T>(
  { storeClient, request }: Attempt,
  work: Work<T>,
  standing: Standing | null,
): Promise<Execution<T>> {
  const observer = new LeaseAcquirer(storeClient, request);
  const inspect = async () => toNotAcquired(await observer.inspect());
  const first = standing === null ? await inspect() : toNotAcquired(standing);
  // Not `canStart`: the operation has run, so its caller may have a part of the response.
  const onCallerGone = (listener: () => void) => work.onCallerGone?.(listener) ?? (() => {});
  const last = await awaitOutcome(storeClient, request, 'observer', first, inspect, { onCallerGone });
  return toExecution(storeClient, request, work, last);
}

/** Where the next caller may run, there is nothing to replay yet. It reads as in progress, to be retried at once. */
function toNotAcquired(standing: Standing | { readonly kind: 'superseded' }): NotAcquired {
  const mayRun = standing.kind === 'retryable' || standing.kind === 'superseded';
  return mayRun ? { kind: 'in_progress', retryAfterMs: 0 } : standing;
}
