// The end of an attempt: record first, then tell. What cannot be recorded now is recorded in the background.
import { StoreError } from '../errors.js';
import { publish } from '../events.js';
import type { CompleteReply, ReleaseRequest, Standing } from '../protocol/messages.js';
import type { Attempt } from './attempt.js';
import type { Settlement } from './execution.js';
import { OutcomeRecorder } from './outcome-recorder.js';
import { monotonicMs } from './time.js';

/**
 * `recorded`: the outcome stands. `unrecorded`: it does not, and while the lease holds nobody else's does. `overtaken`:
 * the lease is over, and what stands counts instead; null where it has not been asked for yet.
 */
export type AttemptEnd =
  | { readonly kind: 'recorded' | 'unrecorded' }
  | { readonly kind: 'overtaken'; readonly standing: Standing | null };

/** Fails with a `StoreError` where nothing can be told: the store is silent, and the lease is over. */
export function endAttempt(attempt: Attempt, settlement: Settlement): Promise<AttemptEnd> {
  return settlement.as === 'done' ? endByCompleting(attempt, settlement) : endByReleasing(attempt, settlement);
}

async function endByReleasing(attempt: Attempt, how: ReleaseRequest): Promise<AttemptEnd> {
  const inTime = await releaseLease(attempt, how);
  return inTime ? { kind: 'unrecorded' } : { kind: 'overtaken', standing: null };
}

/**
 * Frees the key, or marks it as unknown. False, and nothing done, where the lease is over: such an attempt counts as
 * abandoned. Never fails; what the store does not hear now it hears in the background.
 */
export async function releaseLease(attempt: Attempt, how: ReleaseRequest): Promise<boolean> {
  const { storeClient, request, lease } = attempt;
  const inTime = attempt.isLeaseValid();
  attempt.stopRenewal();
  if (!inTime) return false;
  if (how.as === 'retryable') attempt.abortForRetry();
  const say = () => storeClient.store.release(lease, how);
  try {
    await storeClient.callWithRetry(
      'release',
      request.recordName,
      say,
      monotonicMs() + storeClient.store.callTimeoutMs,
    );
  } catch {
    void storeClient.releaseQueue.add({
      bytes: 0,
      onGivenUp: () => {},
      tryOnce: async () => {
        await storeClient.call('release', request.recordName, say);
        return true;
      },
    });
  }
  return true;
}

/**
 * The same for an operation that has given its result while it still works. Its signal aborts at once; its lease is kept and
 * renewed, and the key is released when `stopped` resolves, so that no retry runs beside it. Where it never stops, its lease ends
 * with `maxExecutionMs`. `drain` waits for it.
 */
export function releaseLeaseOnceStopped(attempt: Attempt, stopped: Promise<void>, how: () => ReleaseRequest): void {
  attempt.abortForRetry();
  const release = async () => {
    await Promise.race([stopped, attempt.whenLeaseOver()]);
    await releaseLease(attempt, how());
    return true;
  };
  void attempt.storeClient.runningOperations.add({ bytes: 0, tryOnce: release, onGivenUp: () => void release() });
}

async function endByCompleting(attempt: Attempt, settlement: Settlement & { as: 'done' }): Promise<AttemptEnd> {
  const recorder = new OutcomeRecorder(attempt, settlement);
  let answer: CompleteReply;
  try {
    answer = await recorder.record();
  } catch (error) {
    recordInBackground(attempt, recorder);
    return unrecordedWhileLeaseValid(attempt, error);
  } finally {
    attempt.stopRenewal();
  }
  publishCompleteReply(attempt, answer);
  switch (answer.kind) {
    case 'ok':
    case 'restored':
      return { kind: 'recorded' };
    case 'lost':
      return { kind: 'overtaken', standing: answer.standing };
    case 'gone':
      // Not repeated: what is gone for this request stays gone.
      return unrecordedWhileLeaseValid(
        attempt,
        new StoreError('unavailable', 'The store has lost the record, and the lease is over.'),
      );
  }
}

/** While the lease holds nobody can contradict the result: its caller may have it, marked. */
function unrecordedWhileLeaseValid(attempt: Attempt, error: unknown): AttemptEnd {
  if (!attempt.isLeaseValid()) throw error;
  publish('outcome_unrecorded', () => attempt.attemptSubject());
  return { kind: 'unrecorded' };
}

function publishCompleteReply(attempt: Attempt, answer: CompleteReply): void {
  const { kind } = answer;
  if (kind === 'lost') publish('stale_commit', () => ({ ...attempt.attemptSubject(), standing: answer.standing.kind }));
  if (kind !== 'restored' && kind !== 'gone') return;
  publish('record_lost', () => ({ ...attempt.recordSubject(), verb: 'complete', restored: kind === 'restored' }));
}

function recordInBackground(attempt: Attempt, recorder: OutcomeRecorder): void {
  const { outcomeQueue } = attempt.storeClient;
  const late = (kind: string) => publish('recorded_late', () => ({ ...attempt.attemptSubject(), kind }));
  if (!outcomeQueue.hasRoomFor(recorder.outcomeBytes)) recorder.omitOutcome('too many results wait for the store');
  void outcomeQueue.add({
    bytes: recorder.outcomeBytes,
    onGivenUp: (why) => late(`given up: ${why}`),
    tryOnce: async () => {
      const answer = await recorder.recordOnce();
      publishCompleteReply(attempt, answer);
      late(answer.kind);
      return true;
    },
  });
}
