// Makes one planned call of `executeIdempotently` and records its history.
import { setTimeout as pause } from 'node:timers/promises';
import { executeIdempotently, type OperationContext, StoreError } from '@onceguard/core';
import type { PlannedCall } from './call-plan.js';
import type { ExecuteReturned, HistoryWriter } from './history.js';
import { type CallContext, currentCall, digestOf, type RecordingStore } from './recording-store.js';
import { watchDeadline } from './watch-deadline.js';

export const leaseMs = 1_000;

/** Longer than any run, and than any lease. */
const ttlMs = 3_600_000;

/** The time that a call may need besides its operation and its waiting, even if its process is stopped for a while. */
const overheadMs = 10_000;

/** The error that an operation throws as planned. */
class PlannedError extends Error {}

interface CallEnvironment {
  readonly store: RecordingStore;
  readonly history: HistoryWriter;
  /** The name of this call. */
  readonly call: string;
  readonly isLast: boolean;
}

/** Makes the call and records its outcome. Never rejects. */
export async function runCall(planned: PlannedCall, environment: CallEnvironment): Promise<void> {
  const { key, client, onAbandoned, waitMs, operation } = planned;
  const { history, call, isLast } = environment;
  history.write({ kind: 'called', key, call, client, onAbandoned, isLastRepeat: isLast });
  const context: CallContext = { key, call, storeKey: null, now: 0 };
  const onOverdue = (deadlineMs: number) =>
    history.write({ kind: 'overdue', key, call, what: 'execute', storeCallId: null, deadlineMs });
  const deadlineMs = 2 * overheadMs + operation.takesMs + 2 * waitMs;
  await currentCall.run(context, async () => {
    const outcome = await watchDeadline(
      deadlineMs,
      onOverdue,
      isLast ? outcomeAfterRetries(planned, environment) : outcomeOf(planned, environment),
    );
    history.write({ kind: 'returned', key, call, now: context.now, ...outcome });
    if (outcome.outcome === 'outcome_unknown') await decideUnknownOutcome(planned, environment.store, context);
  });
}

type Outcome = Pick<ExecuteReturned, 'outcome' | 'recorded' | 'digest' | 'why'>;

async function outcomeOf(planned: PlannedCall, environment: CallEnvironment): Promise<Outcome> {
  const { key, onAbandoned, onFailure, waitMs } = planned;
  const policy = {
    leaseMs,
    ttlMs,
    onAbandoned,
    onFailure,
    onInProgress: waitMs === 0 ? 'reject' : { waitMs },
  } as const;
  try {
    const execution = await executeIdempotently(async (context) => await runOperation(planned, environment, context), {
      ...policy,
      store: environment.store,
      scope: 'chaos',
      key,
    });
    const recorded = execution.kind === 'executed' ? execution.recorded : undefined;
    const digest = 'value' in execution ? (digestOf(Buffer.from(execution.value)) ?? undefined) : undefined;
    return { outcome: execution.kind, recorded, digest };
  } catch (error) {
    if (error instanceof PlannedError) return { outcome: 'threw' };
    return { outcome: error instanceof StoreError ? 'refused' : 'threw', why: String(error).slice(0, 200) };
  }
}

/** Repeats the call until it returns an outcome, as a patient client does. */
async function outcomeAfterRetries(planned: PlannedCall, environment: CallEnvironment): Promise<Outcome> {
  const endsAt = performance.now() + overheadMs;
  for (;;) {
    const outcome = await outcomeOf(planned, environment);
    const isFinal = outcome.outcome !== 'refused' && outcome.outcome !== 'in_progress';
    if (isFinal || performance.now() > endsAt) return outcome;
    await pause(200);
  }
}

/** Returns a value that is unique to this execution. */
async function runOperation(
  planned: PlannedCall,
  environment: CallEnvironment,
  context: OperationContext,
): Promise<string> {
  const { key, operation } = planned;
  const { history, call } = environment;
  const { fencingToken, attempt, signal } = context;
  history.write({ kind: 'began', key, call, fencingToken, attempt });
  try {
    await pause(operation.takesMs, undefined, operation.stopsWhenAborted ? { signal } : {});
    if (operation.throws) throw new PlannedError('as planned');
  } catch (error) {
    history.write({ kind: 'finished', key, call, fencingToken, threw: true });
    throw new PlannedError('as planned, or stopped', { cause: error });
  }
  history.write({ kind: 'finished', key, call, fencingToken, threw: false });
  return `${call} ${fencingToken} ${'.'.repeat(operation.bytes)}`;
}

/** Decides the unknown outcome, as an operator does who has found out what happened. */
async function decideUnknownOutcome(
  { decision }: PlannedCall,
  store: RecordingStore,
  { storeKey }: CallContext,
): Promise<void> {
  if (decision === null || storeKey === null) return;
  try {
    const { record } = await store.read(storeKey);
    if (record === null) return;
    await store.resolve(storeKey, {
      ...{ expectedFencingToken: record.fencingToken, as: decision, by: 'chaos', reason: 'as planned', note: null },
      ...{ outcome: null, outcomeTtlMs: ttlMs, recordTtlMs: ttlMs },
    });
  } catch (error) {
    // A decision whose store call fails is not repeated.
    if (!(error instanceof StoreError)) throw error;
  }
}
