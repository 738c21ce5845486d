// One call of `execute` as it was planned, and its history.
import { setTimeout as pause } from 'node:timers/promises';
import { execute, type OperationContext, StoreError } from '@onceguard/core';
import type { HistoryWriter, Returned } from './history.js';
import type { PlannedCall } from './plan.js';
import { type CallContext, currentCall, digestOf, type RecordingStore } from './recording-store.js';
import { watched } from './watched.js';

export const leaseMs = 1_000;

/** Longer than any run, and than any lease. */
const ttlMs = 3_600_000;

/** What a call of `execute` may need besides its operation and its waiting, also in a process that is stopped for a while. */
const slackMs = 10_000;

/** What an operation throws on purpose. */
class Planned extends Error {}

interface World {
  readonly store: RecordingStore;
  readonly history: HistoryWriter;
  /** The name of this call. */
  readonly call: string;
  readonly isLast: boolean;
}

/** Never rejects: what comes of the call is written down. */
export async function makeCall(planned: PlannedCall, world: World): Promise<void> {
  const { key, client, onAbandoned, waitMs, operation } = planned;
  const { history, call, isLast } = world;
  history.write({ kind: 'called', key, call, client, onAbandoned, last: isLast });
  const context: CallContext = { key, call, name: null, now: 0 };
  const late = (deadlineMs: number) =>
    history.write({ kind: 'late', key, call, what: 'execute', ask: null, deadlineMs });
  const deadlineMs = 2 * slackMs + operation.takesMs + 2 * waitMs;
  await currentCall.run(context, async () => {
    const outcome = await watched(deadlineMs, late, isLast ? lastAnswerTo(planned, world) : answerTo(planned, world));
    history.write({ kind: 'returned', key, call, now: context.now, ...outcome });
    if (outcome.answer === 'unknown') await decide(planned, world.store, context);
  });
}

type Outcome = Pick<Returned, 'answer' | 'recorded' | 'digest' | 'why'>;

async function answerTo(planned: PlannedCall, world: World): Promise<Outcome> {
  const { key, onAbandoned, onFailure, waitMs } = planned;
  const terms = { leaseMs, ttlMs, onAbandoned, onFailure, onInProgress: waitMs === 0 ? 'reject' : { waitMs } } as const;
  try {
    const execution = await execute(async (context) => await operate(planned, world, context), {
      ...terms,
      store: world.store,
      scope: 'chaos',
      key,
    });
    const recorded = execution.kind === 'executed' ? execution.recorded : undefined;
    const digest = 'value' in execution ? (digestOf(Buffer.from(execution.value)) ?? undefined) : undefined;
    return { answer: execution.kind, recorded, digest };
  } catch (error) {
    if (error instanceof Planned) return { answer: 'threw' };
    return { answer: error instanceof StoreError ? 'refused' : 'threw', why: String(error).slice(0, 200) };
  }
}

/** Asks again, as a patient client does, while there is no answer. */
async function lastAnswerTo(planned: PlannedCall, world: World): Promise<Outcome> {
  const endsAt = performance.now() + slackMs;
  for (;;) {
    const outcome = await answerTo(planned, world);
    const isAnswer = outcome.answer !== 'refused' && outcome.answer !== 'in_progress';
    if (isAnswer || performance.now() > endsAt) return outcome;
    await pause(200);
  }
}

/** Its value is one that no other execution has. */
async function operate(planned: PlannedCall, world: World, context: OperationContext): Promise<string> {
  const { key, operation } = planned;
  const { history, call } = world;
  const { fencingToken: fence, attempt, signal } = context;
  history.write({ kind: 'began', key, call, fence, attempt });
  try {
    await pause(operation.takesMs, undefined, operation.obeys ? { signal } : {});
    if (operation.throws) throw new Planned('as planned');
  } catch (error) {
    history.write({ kind: 'finished', key, call, fence, threw: true });
    throw new Planned('as planned, or stopped', { cause: error });
  }
  history.write({ kind: 'finished', key, call, fence, threw: false });
  return `${call} ${fence} ${'.'.repeat(operation.bytes)}`;
}

/** What an operator does who has found out what happened. */
async function decide({ decides }: PlannedCall, store: RecordingStore, { name }: CallContext): Promise<void> {
  if (decides === null || name === null) return;
  try {
    const { record } = await store.read(name);
    if (record === null) return;
    await store.resolve(name, {
      ...{ expectFence: record.fence, as: decides, by: 'chaos', reason: 'as planned', note: null },
      ...{ outcome: null, outcomeTtlMs: ttlMs, recordTtlMs: ttlMs },
    });
  } catch (error) {
    // A decision that is not heard is not repeated.
    if (!(error instanceof StoreError)) throw error;
  }
}
