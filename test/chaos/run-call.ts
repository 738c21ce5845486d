// One call of `execute` as it was planned, and its history.
import { setTimeout as pause } from 'node:timers/promises';
import { executeIdempotently, type OperationContext, StoreError } from '@onceguard/core';
import type { PlannedCall } from './call-plan.js';
import type { ExecuteReturned, HistoryWriter } from './history.js';
import { type CallContext, currentCall, digestOf, type RecordingStore } from './recording-store.js';
import { watchDeadline } from './watch-deadline.js';

export const leaseMs = 1_000;

/** Longer than any run, and than any lease. */
const ttlMs = 3_600_000;

/** What a call of `execute` may need besides its operation and its waiting, also in a process that is stopped for a while. */
const overheadMs = 10_000;

/** What an operation throws on purpose. */
class PlannedError extends Error {}

interface CallEnvironment {
  readonly store: RecordingStore;
  readonly history: HistoryWriter;
  /** The name of this call. */
  readonly call: string;
  readonly isLast: boolean;
}

/** Never rejects: what comes of the call is written down. */
export async function runCall(planned: PlannedCall, world: CallEnvironment): Promise<void> {
  const { key, client, onAbandoned, waitMs, operation } = planned;
  const { history, call, isLast } = world;
  history.write({ kind: 'called', key, call, client, onAbandoned, isLastRepeat: isLast });
  const context: CallContext = { key, call, name: null, now: 0 };
  const late = (deadlineMs: number) =>
    history.write({ kind: 'late', key, call, what: 'execute', storeCallId: null, deadlineMs });
  const deadlineMs = 2 * overheadMs + operation.takesMs + 2 * waitMs;
  await currentCall.run(context, async () => {
    const outcome = await watchDeadline(
      deadlineMs,
      late,
      isLast ? outcomeAfterRetries(planned, world) : outcomeOf(planned, world),
    );
    history.write({ kind: 'returned', key, call, now: context.now, ...outcome });
    if (outcome.outcome === 'outcome_unknown') await decideUnknownOutcome(planned, world.store, context);
  });
}

type Outcome = Pick<ExecuteReturned, 'outcome' | 'recorded' | 'digest' | 'why'>;

async function outcomeOf(planned: PlannedCall, world: CallEnvironment): Promise<Outcome> {
  const { key, onAbandoned, onFailure, waitMs } = planned;
  const terms = { leaseMs, ttlMs, onAbandoned, onFailure, onInProgress: waitMs === 0 ? 'reject' : { waitMs } } as const;
  try {
    const execution = await executeIdempotently(async (context) => await runOperation(planned, world, context), {
      ...terms,
      store: world.store,
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

/** Asks again, as a patient client does, while there is no answer. */
async function outcomeAfterRetries(planned: PlannedCall, world: CallEnvironment): Promise<Outcome> {
  const endsAt = performance.now() + overheadMs;
  for (;;) {
    const outcome = await outcomeOf(planned, world);
    const isAnswer = outcome.outcome !== 'refused' && outcome.outcome !== 'in_progress';
    if (isAnswer || performance.now() > endsAt) return outcome;
    await pause(200);
  }
}

/** Its value is one that no other execution has. */
async function runOperation(planned: PlannedCall, world: CallEnvironment, context: OperationContext): Promise<string> {
  const { key, operation } = planned;
  const { history, call } = world;
  const { fencingToken, attempt, signal } = context;
  history.write({ kind: 'began', key, call, fencingToken: fencingToken, attempt });
  try {
    await pause(operation.takesMs, undefined, operation.stopsWhenAborted ? { signal } : {});
    if (operation.throws) throw new PlannedError('as planned');
  } catch (error) {
    history.write({ kind: 'finished', key, call, fencingToken: fencingToken, threw: true });
    throw new PlannedError('as planned, or stopped', { cause: error });
  }
  history.write({ kind: 'finished', key, call, fencingToken: fencingToken, threw: false });
  return `${call} ${fencingToken} ${'.'.repeat(operation.bytes)}`;
}

/** What an operator does who has found out what happened. */
async function decideUnknownOutcome(
  { decides }: PlannedCall,
  store: RecordingStore,
  { name }: CallContext,
): Promise<void> {
  if (decides === null || name === null) return;
  try {
    const { record } = await store.read(name);
    if (record === null) return;
    await store.resolve(name, {
      ...{ expectedFencingToken: record.fencingToken, as: decides, by: 'chaos', reason: 'as planned', note: null },
      ...{ outcome: null, outcomeTtlMs: ttlMs, recordTtlMs: ttlMs },
    });
  } catch (error) {
    // A decision that is not heard is not repeated.
    if (!(error instanceof StoreError)) throw error;
  }
}
