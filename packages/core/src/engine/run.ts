// The life of one execution, read top to bottom: ask, perhaps wait, run, record, tell.
import { LeaseLostError, OutcomeUnknownError, StoreError } from '../errors.js';
import { publish } from '../events.js';
import type { Standing } from '../protocol/messages.js';
import { Attempt } from './attempt.js';
import { awaitOutcome } from './await-outcome.js';
import { verifyOutcome } from './checksum.js';
import { endAttempt, releaseLease, releaseLeaseOnceStopped } from './end-attempt.js';
import type { ConditionalWork, Execution, ExecutionRequest, NotStarted, Settlement, Work } from './execution.js';
import { LeaseAcquirer, type LeaseGranted, type NotAcquired } from './lease-acquirer.js';
import { deriveKeyFromRecordName, type OperationContext } from './operation-context.js';
import { createRecoverContext, type Recovery, recovery } from './recovery.js';
import { Steps } from './steps.js';
import { StoreClient } from './store-client.js';

export async function run<T>(plan: ExecutionRequest, work: ConditionalWork<T>): Promise<Execution<T> | NotStarted>;
export async function run<T>(plan: ExecutionRequest, work: Work<T>): Promise<Execution<T>>;
export async function run<T>(plan: ExecutionRequest, work: Work<T>): Promise<Execution<T> | NotStarted> {
  const link = StoreClient.forStore(plan.store);
  const claimant = new LeaseAcquirer(link, plan);
  let seen: LeaseGranted | NotAcquired;
  try {
    seen = await claimant.acquire();
    if (seen.kind === 'in_progress') {
      seen = await awaitOutcome(link, plan, 'claimant', seen, () => claimant.acquire(), work.onCallerGone);
    }
  } catch (error) {
    // A record that is there and cannot be read may be of work that is done.
    const isAway = error instanceof StoreError && !error.unreadable;
    if (isAway && plan.policy.onStoreUnavailable === 'bypass') return await bypass(link, plan, work, error);
    throw error;
  }
  if (seen.kind !== 'granted') return toExecution(link, plan, work, seen);
  return await runUnderLease(new Attempt(link, plan, seen), work);
}

async function runUnderLease<T>(attempt: Attempt, work: Work<T>): Promise<Execution<T> | NotStarted> {
  const { storeClient, request, lease } = attempt;
  if (!mayStart(work)) return await releaseUnstarted(attempt);
  const { takeover, fencingToken } = lease;
  publish('acquired', () => ({ ...attempt.attemptSubject(), fencingToken, takeover }));
  const found = needsRecovery(attempt) ? await recover(attempt, work) : nothingRecovered;
  // What was found out under a lease that is over may be out of date.
  if (!attempt.isLeaseValid())
    return toExecution(storeClient, request, work, await awaitStanding(storeClient, request, work, null));
  if (found.found === 'done') return await recordResult(attempt, work, found.result);
  if (found.found === 'still_unknown') {
    const { retryAfterMs } = found;
    await releaseLease(attempt, { ...settledUnknown, retryAfterMs });
    return { kind: 'outcome_unknown', retryAfterMs, recordName: request.recordName };
  }
  if (!mayStart(work)) return await releaseUnstarted(attempt);
  try {
    return await recordResult(attempt, work, await runOperation(attempt, work));
  } catch (thrown) {
    // The operation met a step that nobody may repeat.
    if (thrown instanceof OutcomeUnknownError && attempt.stepsInDoubt.length > 0) {
      return { kind: 'outcome_unknown', retryAfterMs: thrown.retryAfterMs, recordName: request.recordName };
    }
    throw thrown;
  }
}

const nothingRecovered = recovery.notDone();
const notStarted: NotStarted = { kind: 'not_started' };

function mayStart<T>({ canStart }: Work<T>): boolean {
  return canStart === undefined || canStart();
}

/** Nothing ran, so the record is what it was before this attempt. */
async function releaseUnstarted(attempt: Attempt): Promise<NotStarted> {
  await releaseLease(attempt, { as: 'not_started' });
  return notStarted;
}

/** Somebody has to find out first what attempts before did: all of the work, or a step of it that nobody may repeat. */
function needsRecovery({ lease, stepsInDoubt }: Attempt): boolean {
  return lease.recovering || stepsInDoubt.length > 0;
}

async function recover<T>(attempt: Attempt, work: Work<T>): Promise<Recovery<T>> {
  if (work.recover === undefined) return recovery.notDone();
  try {
    const found = await work.recover(createRecoverContext(attempt));
    if (found.found === 'not_done') await attempt.steps.applyRecovery(found.happened);
    return found;
  } catch (thrown) {
    const inTime = await releaseLease(attempt, settledUnknown);
    // Its lease was lost while it found out: what stands there is the answer.
    if (!inTime && thrown instanceof LeaseLostError) return recovery.notDone();
    throw thrown;
  }
}

async function recordResult<T>(attempt: Attempt, work: Work<T>, value: T): Promise<Execution<T>> {
  const { storeClient, request, lease } = attempt;
  const settlement = work.settle(value);
  const stopped = work.whenStopped?.(value) ?? null;
  if (settlement.as === 'retryable' && stopped !== null && attempt.isLeaseValid()) {
    releaseLeaseOnceStopped(attempt, stopped, () => unknownIfInDoubt(attempt, settlement));
    return { kind: 'executed', value, recorded: false, attempt: lease.attempt };
  }
  attempt.endSteps();
  const ended = await endAttempt(attempt, unknownIfInDoubt(attempt, settlement));
  if (ended.kind === 'overtaken')
    return toExecution(storeClient, request, work, await awaitStanding(storeClient, request, work, ended.standing));
  return { kind: 'executed', value, recorded: ended.kind === 'recorded', attempt: lease.attempt };
}

/**
 * A throw frees the key, or makes it unknown unless the operation said that nothing happened; one that follows the loss of the lease
 * counts as abandonment.
 */
async function runOperation<T>(attempt: Attempt, work: Work<T>): Promise<T> {
  try {
    return await work.run(attempt.createContext(), attempt);
  } catch (thrown) {
    attempt.endSteps();
    await releaseLease(attempt, unknownIfInDoubt(attempt, settlementAfterFailure(attempt)));
    throw thrown;
  }
}

function settlementAfterFailure({ nothingHappened, request }: Attempt): Exclude<Settlement, { as: 'done' }> {
  if (nothingHappened) return settledUnbound;
  return request.policy.onFailure === 'unknown' ? settledUnknown : { as: 'retryable' };
}

const settledUnknown = { as: 'unknown', retryAfterMs: null, note: null } as const;
/** What changed nothing may come again with another payload. */
const settledUnbound = { as: 'retryable', unbindFingerprint: true } as const;

/** With a step in doubt no attempt leaves the key free for the next one: somebody has to find out first. */
function unknownIfInDoubt<End extends Settlement>(attempt: Attempt, settlement: End): End | typeof settledUnknown {
  return settlement.as === 'retryable' && attempt.stepsInDoubt.length > 0 ? settledUnknown : settlement;
}

/** An owner that was overtaken gets what stands there, after waiting like any duplicate; it never runs again itself. */
async function awaitStanding<T>(
  link: StoreClient,
  plan: ExecutionRequest,
  work: Work<T>,
  standing: Standing | null,
): Promise<NotAcquired> {
  const onlooker = new LeaseAcquirer(link, plan);
  const look = async () => asNotAcquired(await onlooker.inspect());
  const first = standing === null ? await look() : asNotAcquired(standing);
  return await awaitOutcome(link, plan, 'onlooker', first, look, work.onCallerGone);
}

/** Where the next caller may run there is nothing to replay yet: it reads as in progress, to be retried at once. */
function asNotAcquired(seen: Standing | { readonly kind: 'superseded' }): NotAcquired {
  const mayRun = seen.kind === 'retryable' || seen.kind === 'superseded';
  return mayRun ? { kind: 'in_progress', retryAfterMs: 0 } : seen;
}

function toExecution<T>(link: StoreClient, plan: ExecutionRequest, work: Work<T>, seen: NotAcquired): Execution<T> {
  switch (seen.kind) {
    case 'completed': {
      const { completedAt } = seen;
      const outcome = link.verify('acquire', plan.recordName, () => verifyOutcome(plan.recordName, seen.outcome));
      const value = work.decode(outcome);
      publish('replayed', () => ({ ...link.eventSubject(plan.recordName), completedAt }));
      return { kind: 'replayed', value, completedAt };
    }
    case 'expired':
      return { kind: 'expired', completedAt: seen.completedAt, note: seen.note };
    case 'in_progress':
      return { kind: 'in_progress', retryAfterMs: seen.retryAfterMs };
    case 'outcome_unknown':
      return { kind: 'outcome_unknown', retryAfterMs: seen.retryAfterMs, recordName: plan.recordName };
    case 'key_reused':
      return { kind: 'key_reused', version: seen.version };
  }
}

/** The options say that unprotected work is better than none: visible in an event, and in the execution itself. */
async function bypass<T>(
  link: StoreClient,
  plan: ExecutionRequest,
  work: Work<T>,
  error: StoreError,
): Promise<Execution<T> | NotStarted> {
  const { key, recordName } = plan;
  if (!mayStart(work)) return notStarted;
  publish('bypassed', () => ({ ...link.eventSubject(recordName), error }));
  const { signal } = new AbortController();
  const told = { attempt: 1, signal, deriveKey: (part: string) => deriveKeyFromRecordName(recordName, part) };
  const steps = new Steps({ ...told, assertLeaseValid: () => {}, recordStep: async () => {} }, new Map());
  const step: OperationContext['step'] = (part, fn, options) => steps.run(part, fn, options);
  const state = { nothingHappened: false };
  const markNothingHappened = () => {
    state.nothingHappened = true;
  };
  const given = { ...told, key, takeover: false, fencingToken: 0, bypassed: true, markNothingHappened, step };
  const value = await work.run(given, state);
  return { kind: 'executed', value, recorded: false, attempt: 1 };
}
