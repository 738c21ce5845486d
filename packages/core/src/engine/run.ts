// The life of one execution, read from top to bottom: acquire the lease, perhaps wait, recover, run, record.
import { LeaseLostError, OutcomeUnknownError } from '../errors.js';
import { publish } from '../events.js';
import type { LeaseAcquired, NotAcquired } from './acquisition.js';
import { Attempt } from './attempt.js';
import { awaitOutcome } from './await-outcome.js';
import { mayBypass, runWithoutStore } from './bypass.js';
import { endAttempt, releaseLease, releaseLeaseOnceStopped } from './end-attempt.js';
import type { ConditionalWork, Execution, ExecutionRequest, NotStarted, Settlement, Work } from './execution.js';
import { LeaseAcquirer } from './lease-acquirer.js';
import { createRecoverContext } from './recover-context.js';
import { type Recovery, recovery } from './recovery.js';
import { followNewOwner, toExecution } from './standing-outcome.js';
import { StoreClient } from './store-client.js';
import { noteOutcome } from './trace-execution.js';
import { runInTransaction } from './transaction.js';

/**
 * Runs the work if the store grants its key, and returns what the record says otherwise. Rejects with what the operation throws, and
 * with a `StoreError` where the store does not reply and nothing ran.
 */
export async function run<T>(request: ExecutionRequest, work: ConditionalWork<T>): Promise<Execution<T> | NotStarted>;
export async function run<T>(request: ExecutionRequest, work: Work<T>): Promise<Execution<T>>;
export async function run<T>(request: ExecutionRequest, work: Work<T>): Promise<Execution<T> | NotStarted> {
  if (request.transaction !== undefined) return await runInTransaction(request, work, request.transaction);
  const storeClient = StoreClient.forStore(request.store);
  noteOutcome(request, null);
  const acquirer = new LeaseAcquirer(storeClient, request);
  let acquisition: LeaseAcquired | NotAcquired;
  try {
    acquisition = await acquirer.acquire();
    // another owner is at work
    if (acquisition.kind === 'in_progress') {
      const acquire = () => acquirer.acquire();
      acquisition = await awaitOutcome(storeClient, request, 'acquirer', acquisition, acquire, work);
    }
  } catch (error) {
    if (mayBypass(request, error)) return await runWithoutStore(storeClient, request, work, error);
    throw error;
  }
  if (acquisition.kind !== 'acquired') return toExecution(storeClient, request, work, acquisition);
  return await runUnderLease(new Attempt(storeClient, request, acquisition), work);
}

async function runUnderLease<T>(attempt: Attempt, work: Work<T>): Promise<Execution<T> | NotStarted> {
  // the caller already has a response
  if (!mayStart(work)) return await releaseUnstarted(attempt);
  const { takeover, fencingToken } = attempt.lease;
  if (attempt.request.trace !== undefined) attempt.request.trace.attempt = attempt.attempt;
  publish('acquired', () => ({ ...attempt.attemptSubject(), fencingToken, takeover }));
  // an earlier attempt left a doubt
  const recovered = needsRecovery(attempt) ? await recover(attempt, work) : notDone;
  // what was found under a lost lease may be out of date
  if (!attempt.isLeaseValid()) return await followNewOwner(attempt, work, null);
  publishDecision(attempt, recovered);
  if (recovered.found === 'done') return await recordResult(attempt, work, recovered.result);
  if (recovered.found === 'still_unknown') return await releaseStillUnknown(attempt, recovered.retryAfterMs);
  // time has passed
  if (!mayStart(work)) return await releaseUnstarted(attempt);
  try {
    return await recordResult(attempt, work, await runOperation(attempt, work));
  } catch (thrown) {
    // the operation met a step that nobody may repeat, and its lease was released as unknown
    if (thrown instanceof OutcomeUnknownError && attempt.stepsInDoubt.length > 0)
      return unknownExecution(attempt, thrown.retryAfterMs);
    throw thrown;
  }
}

function mayStart<T>(work: Work<T>): boolean {
  return work.canStart?.() ?? true;
}

/** Nothing ran, so the record becomes what it was before this attempt. */
async function releaseUnstarted(attempt: Attempt): Promise<NotStarted> {
  await releaseLease(attempt, { as: 'not_started' });
  return { kind: 'not_started' };
}

/** Whether somebody must find out first what earlier attempts did: all of the work, or a step that nobody may repeat. */
function needsRecovery({ lease, stepsInDoubt }: Attempt): boolean {
  return lease.recovering || stepsInDoubt.length > 0;
}

const notDone = recovery.notDone();

/** What a `recover` function found is a decision. Without one, nobody has decided anything. */
function publishDecision<T>(attempt: Attempt, recovered: Recovery<T>): void {
  if (recovered === notDone || recovered.found === 'still_unknown') return;
  const by = { by: 'recover', reason: 'a recover function found it out' };
  publish('decided', () => ({ ...attempt.attemptSubject(), as: recovered.found, ...by }));
}

async function recover<T>(attempt: Attempt, work: Work<T>): Promise<Recovery<T>> {
  if (work.recover === undefined) return notDone;
  try {
    const recovered = await work.recover(createRecoverContext(attempt));
    if (recovered.found === 'not_done') await attempt.steps.applyRecovery(recovered.happened);
    return recovered;
  } catch (thrown) {
    const released = await releaseLease(attempt, settledUnknown, 'still_unknown');
    // The lease was lost meanwhile: the caller of this function checks that, and returns what the record says.
    if (!released && thrown instanceof LeaseLostError) return notDone;
    throw thrown;
  }
}

async function releaseStillUnknown<T>(attempt: Attempt, retryAfterMs: number | null): Promise<Execution<T>> {
  await releaseLease(attempt, { ...settledUnknown, retryAfterMs }, 'still_unknown');
  return unknownExecution(attempt, retryAfterMs);
}

function unknownExecution<T>({ request }: Attempt, retryAfterMs: number | null): Execution<T> {
  return { kind: 'outcome_unknown', retryAfterMs, recordName: request.recordName };
}

/** Runs the operation. If it throws, releases the lease; how depends on the policy and on what the operation reported. */
async function runOperation<T>(attempt: Attempt, work: Work<T>): Promise<T> {
  try {
    return await work.run(attempt.createContext(), attempt);
  } catch (thrown) {
    attempt.endSteps();
    await releaseLease(attempt, unknownIfInDoubt(attempt, settlementAfterFailure(attempt)));
    throw thrown;
  }
}

async function recordResult<T>(attempt: Attempt, work: Work<T>, value: T): Promise<Execution<T>> {
  const settlement = work.settle(value);
  const stopped = work.whenStopped?.(value) ?? null;
  if (settlement.as === 'retryable' && stopped !== null && attempt.isLeaseValid()) {
    noteOutcome(attempt.request, 'released');
    releaseLeaseOnceStopped(attempt, stopped, () => unknownIfInDoubt(attempt, settlement));
    return { kind: 'executed', value, recorded: false, attempt: attempt.attempt };
  }
  attempt.endSteps();
  const end = await endAttempt(attempt, unknownIfInDoubt(attempt, settlement));
  if (end.kind === 'lease_lost') return await followNewOwner(attempt, work, end.standing);
  return { kind: 'executed', value, recorded: end.kind === 'recorded', attempt: attempt.attempt };
}

const settledUnknown = { as: 'unknown', retryAfterMs: null, note: null } as const satisfies Settlement;
/** The next call may have another payload, because this attempt changed nothing. */
const settledUnbound = { as: 'retryable', unbindFingerprint: true } as const satisfies Settlement;

function settlementAfterFailure({ nothingHappened, request }: Attempt): Exclude<Settlement, { as: 'done' }> {
  if (nothingHappened) return settledUnbound;
  return request.policy.onFailure === 'unknown' ? settledUnknown : { as: 'retryable' };
}

/** With a step in doubt, no attempt leaves the key free for the next one: somebody has to find out first. */
function unknownIfInDoubt<End extends Settlement>(attempt: Attempt, settlement: End): End | typeof settledUnknown {
  return settlement.as === 'retryable' && attempt.stepsInDoubt.length > 0 ? settledUnknown : settlement;
}
