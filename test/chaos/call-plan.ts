// Plans the calls of a run and their operations. They depend on the seed alone, as the faults do.
import { Random } from '../model/seeded-random.js';

/** The kinds of clients in every process. Each client reaches the server through a proxy of its own. */
export const clientNames = ['safe 6', 'default 6', 'safe 5', 'default 5'] as const;

export type ClientName = (typeof clientNames)[number];

export interface RunPlan {
  readonly seed: number;
  readonly keys: number;
  readonly durationMs: number;
  /** How many processes share the calls. */
  readonly workers: number;
}

/** One call of `execute`. */
export interface PlannedCall {
  readonly key: string;
  /** Milliseconds from the start of the run. */
  readonly atMs: number;
  readonly worker: number;
  readonly client: ClientName;
  readonly onAbandoned: 'rerun' | 'block';
  readonly onFailure: 'retry' | 'unknown';
  /** How long the call waits for the outcome of another one; 0: not at all. */
  readonly waitMs: number;
  readonly operation: PlannedOperation;
  /** The decision that an operator makes if the call's outcome is unknown; null: none. */
  readonly decision: 'done' | 'not_done' | null;
}

export interface PlannedOperation {
  readonly takesMs: number;
  readonly throws: boolean;
  /** Whether the operation stops when its signal aborts. */
  readonly stopsWhenAborted: boolean;
  readonly bytes: number;
}

/** The calls of a key fall into this part of the run, apart from one more at any later time. */
const keyActiveMs = 6_000;

/** The calls of one process, ordered by time. */
export function planCalls(run: RunPlan, worker: number): PlannedCall[] {
  const keys = Array.from({ length: run.keys }, (_, index) => planKey(run, index));
  const calls = keys.flat().filter((call) => call.worker === worker);
  return calls.sort((left, right) => left.atMs - right.atMs);
}

/** Concurrent duplicates, repeats a little later, and one repeat much later. */
function planKey(run: RunPlan, index: number): PlannedCall[] {
  const random = new Random(run.seed * 1_000_003 + index);
  const startMs = random.next() * Math.max(0, run.durationMs - keyActiveMs);
  const policies = random.pick([['rerun'], ['rerun'], ['block'], ['rerun', 'block']] as const);
  const times = [
    ...Array.from({ length: random.integer(1, 3) }, () => startMs + random.integer(0, 40)),
    ...Array.from({ length: random.integer(1, 3) }, () => startMs + random.integer(50, keyActiveMs)),
    startMs + random.next() * (run.durationMs - startMs),
  ];
  return times.map((atMs) => {
    const onAbandoned = random.pick<'rerun' | 'block'>(policies);
    return { key: `k${index}`, atMs, onAbandoned, ...planCaller(random, run.workers) };
  });
}

function planCaller(random: Random, workers: number): Omit<PlannedCall, 'key' | 'atMs' | 'onAbandoned'> {
  return {
    worker: random.integer(0, workers - 1),
    client: random.pick(clientNames),
    onFailure: random.chance(0.7) ? 'retry' : 'unknown',
    waitMs: random.chance(0.5) ? random.integer(100, 3_000) : 0,
    operation: {
      takesMs: random.chance(0.7) ? random.integer(0, 50) : random.integer(100, 2_500),
      throws: random.chance(0.12),
      stopsWhenAborted: random.chance(0.5),
      bytes: random.chance(0.03) ? random.integer(50_000, 200_000) : random.integer(0, 500),
    },
    decision: random.chance(0.3) ? random.pick(['done', 'not_done'] as const) : null,
  };
}

/** One more call for every key after all faults are healed. Each of them must return an outcome. */
export function planLastRepeats(keys: number): PlannedCall[] {
  return Array.from({ length: keys }, (_, index) => ({
    key: `k${index}`,
    atMs: 0,
    worker: 0,
    client: clientNames[index % clientNames.length] ?? 'safe 6',
    onAbandoned: 'rerun',
    onFailure: 'retry',
    waitMs: 5_000,
    operation: { takesMs: 0, throws: false, stopsWhenAborted: true, bytes: 20 },
    decision: null,
  }));
}
