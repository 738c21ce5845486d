// The end of an attempt: its outcome is recorded before its caller gets it. What cannot be recorded now is retried in the background.
import { StoreError } from '../errors.js';
import { type EndedAttempt, type Events, publish, type ReleaseCause, type UnknownCause } from '../events.js';
import type { CompleteReply, ReleaseReply, ReleaseRequest, Standing } from '../protocol/messages.js';
import type { ExecutionOutcome } from '../tracing-channels.js';
import type { Attempt } from './attempt.js';
import { markPublished } from './doubt-notices.js';
import type { Settlement } from './execution.js';
import { OutcomeRecorder } from './outcome-recorder.js';
import { addPendingResults } from './store-gauges.js';
import { monotonicMs } from './time.js';
import { noteOutcome } from './trace-execution.js';

/**
 * `recorded`: the outcome is on record. `unrecorded`: it is not, and no other outcome can be while the lease is valid. `lease_lost`: what
 * the record says counts instead; null where it has not been read since.
 */
export type AttemptEnd =
  | { readonly kind: 'recorded' | 'unrecorded' }
  | { readonly kind: 'lease_lost'; readonly standing: Standing | null };

/** Rejects with a `StoreError` where nothing is certain: the store does not reply, and the lease is over. */
export function endAttempt(attempt: Attempt, settlement: Settlement): Promise<AttemptEnd> {
  return settlement.as === 'done' ? endByCompleting(attempt, settlement) : endByReleasing(attempt, settlement);
}

async function endByReleasing(attempt: Attempt, how: ReleaseRequest): Promise<AttemptEnd> {
  const released = await releaseLease(attempt, how);
  return released ? { kind: 'unrecorded' } : { kind: 'lease_lost', standing: null };
}

/**
 * Frees the key, or marks its outcome as unknown. Returns false, and does nothing, where the lease is over: such an attempt counts as
 * abandoned. Never rejects. A call that fails is retried in the background. `cause` is why the outcome is unknown, where it is: by
 * default a step in doubt if there is one, else that the attempt failed.
 */
export async function releaseLease(attempt: Attempt, how: ReleaseRequest, cause?: UnknownCause): Promise<boolean> {
  const { storeClient, request, lease } = attempt;
  const isValid = attempt.isLeaseValid();
  attempt.stopRenewal();
  noteOutcome(request, isValid ? outcomeOfRelease[how.as] : 'lease_lost');
  if (!isValid) return false;
  const publishEnd = createReleasePublisher(attempt, how, cause);
  if (how.as === 'retryable') attempt.abortForRetry();
  const release = () => storeClient.store.release(lease, how);
  const endsAt = monotonicMs() + storeClient.store.callTimeoutMs;
  try {
    publishEnd(await storeClient.callWithRetry('release', request, release, endsAt));
  } catch {
    void storeClient.releaseQueue.add({
      bytes: 0,
      onGivenUp: () => {},
      tryOnce: async () => {
        publishEnd(await storeClient.call('release', request, release));
        return true;
      },
    });
  }
  return true;
}

const outcomeOfRelease = {
  retryable: 'released',
  unknown: 'outcome_unknown',
  not_started: 'not_started',
} as const satisfies Record<ReleaseRequest['as'], ExecutionOutcome>;

/** The duration of the attempt ends here, also where the store replies later. */
function createReleasePublisher(
  attempt: Attempt,
  how: ReleaseRequest,
  cause: UnknownCause = attempt.stepsInDoubt.length > 0 ? 'step_in_doubt' : 'failed',
): (reply: ReleaseReply) => void {
  const durationMs = attempt.elapsedMs();
  return ({ kind }) => {
    // `lost` and `gone` say that the end of this attempt was no longer on record.
    if (kind !== 'ok') return;
    const ended = (): EndedAttempt => ({ ...attempt.attemptSubject(), durationMs });
    if (how.as !== 'unknown') return publish('released', () => ({ ...ended(), cause: releaseCause(how) }));
    publish('outcome_unknown', () => {
      markPublished(attempt.request.store, attempt.recordName, attempt.fencingToken);
      return { ...ended(), cause };
    });
  };
}

function releaseCause(how: Exclude<ReleaseRequest, { as: 'unknown' }>): ReleaseCause {
  if (how.as === 'not_started') return 'not_started';
  return how.unbindFingerprint ? 'nothing_happened' : 'failed';
}

/**
 * Releases the lease of an operation that has given its result and still works. Its signal aborts at once. Its lease is renewed until
 * `stopped` resolves and only then released, so that no retry runs beside it. If it never stops, its lease ends with `maxExecutionMs`.
 * `drainStore` waits for it.
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

type Completed = Settlement & { as: 'done' };

async function endByCompleting(attempt: Attempt, settlement: Completed): Promise<AttemptEnd> {
  const recorder = new OutcomeRecorder(attempt, settlement);
  let reply: CompleteReply;
  try {
    reply = await recorder.record();
  } catch (error) {
    recordInBackground(attempt, recorder, settlement);
    return unrecordedWhileLeaseValid(attempt, error);
  } finally {
    attempt.stopRenewal();
  }
  publishCompleteReply(attempt, reply, recorder, settlement);
  switch (reply.kind) {
    case 'ok':
    case 'restored':
      noteOutcome(attempt.request, 'executed');
      return { kind: 'recorded' };
    case 'lost':
      return { kind: 'lease_lost', standing: reply.standing };
    case 'gone':
      // Not retried: the record is gone, and it is too late to write it again.
      return unrecordedWhileLeaseValid(
        attempt,
        new StoreError('unavailable', 'The store has lost the record, and the lease is over.'),
      );
  }
}

/** While the lease is valid nobody can contradict the result: its caller gets it, marked as unrecorded. */
function unrecordedWhileLeaseValid(attempt: Attempt, error: unknown): AttemptEnd {
  if (!attempt.isLeaseValid()) throw error;
  noteOutcome(attempt.request, 'outcome_unrecorded');
  publish('outcome_unrecorded', () => attempt.attemptSubject());
  return { kind: 'unrecorded' };
}

function publishCompleteReply(
  attempt: Attempt,
  reply: CompleteReply,
  { recordedBytes }: OutcomeRecorder,
  { kind: outcomeKind, note }: Completed,
): void {
  const { kind } = reply;
  if (kind === 'ok' || kind === 'restored')
    publish('executed', () => ({
      ...attempt.attemptSubject(),
      durationMs: attempt.elapsedMs(),
      kind: outcomeKind,
      status: outcomeKind === 'response' && note !== null ? Number(note) : null,
      bytes: recordedBytes,
    }));
  if (kind === 'lost') publish('stale_commit', () => ({ ...attempt.attemptSubject(), standing: reply.standing.kind }));
  if (kind !== 'restored' && kind !== 'gone') return;
  publish('record_lost', () => ({ ...attempt.recordSubject(), verb: 'complete', restored: kind === 'restored' }));
}

type LateRecordingEnd = Pick<Events['recorded_late'], 'kind' | 'reason'>;

const lateRecordingEnds: Readonly<Record<CompleteReply['kind'], LateRecordingEnd>> = {
  ok: { kind: 'recorded', reason: null },
  restored: { kind: 'recorded', reason: null },
  lost: { kind: 'lease_lost', reason: 'another owner has taken over' },
  gone: { kind: 'record_lost', reason: 'the store has lost the record, and it is too late to write it again' },
};

function recordInBackground(attempt: Attempt, recorder: OutcomeRecorder, settlement: Completed): void {
  const { outcomeQueue, store } = attempt.storeClient;
  addPendingResults(store.name, 1);
  const publishEnd = (end: LateRecordingEnd) => {
    addPendingResults(store.name, -1);
    publish('recorded_late', () => ({ ...attempt.attemptSubject(), ...end }));
  };
  if (!outcomeQueue.hasRoomFor(recorder.outcomeBytes)) recorder.omitOutcome('too many results wait for the store');
  void outcomeQueue.add({
    bytes: recorder.outcomeBytes,
    onGivenUp: (why) => publishEnd({ kind: 'given_up', reason: why }),
    tryOnce: async () => {
      const reply = await recorder.recordOnce();
      publishCompleteReply(attempt, reply, recorder, settlement);
      publishEnd(lateRecordingEnds[reply.kind]);
      return true;
    },
  });
}
