// The parts of one table row: a store with injected faults, an entry point, and a second process.
import type { IdempotencyStore } from '@onceguard/core';
import { type FaultRule, FaultStore, type StoreMethod } from '@onceguard/testing';
import { type Gate, newGate } from '../../../packages/testing/src/adapter-suite/support/gate.js';
import {
  type CallerOutcome,
  callAsFunction,
  callOverHttp,
  type EntryPointName,
  type EntryPointSetup,
  type RunResult,
  type SharedOptions,
  startHttpApplication,
  type Work,
  type WorkContext,
} from './entry-points.js';

/** The deadline of a store call that hangs. No other call may reach its deadline, even on a slow machine. */
export const shortTimeoutMs = 400;
const longTimeoutMs = 1_500;

/** A situation in which an execution calls its store, arranged so that exactly this call can fail. */
export interface Situation {
  readonly verb: StoreMethod;
  readonly options?: SharedOptions;
  /** Only over HTTP: a function has no such situation. */
  readonly onlyOver?: 'http';
  /** A call reaches its deadline even without the fault. */
  readonly reachesDeadline?: true;
  /** This process has not called the store before. */
  readonly isFirstStoreCall?: true;
  /** What a run does; returns how it ends (default: done), or its whole result. */
  readonly run?: (
    scenario: FaultScenario,
    run: number,
    context: WorkContext,
  ) => Promise<RunResult['ends'] | RunResult | undefined>;
  /** Returns what the caller got. Default: injects the fault, unless `run` does, and calls. */
  readonly act?: (scenario: FaultScenario) => Promise<CallerOutcome>;
}

export interface Fault {
  readonly rule: FaultRule;
  /** The fault lasts until `restoreStore`. Otherwise one call fails. */
  readonly isPermanent: boolean;
  /** The call lasts until its deadline. */
  readonly reachesDeadline: boolean;
}

export interface FaultScenario {
  readonly store: FaultStore;
  readonly fault: Fault;
  /** The number of the verb's next call. */
  nextCallNumber(verb: StoreMethod): number;
  /**
   * Makes the verb's next call fail, or the one `callsLater` after it; with a permanent fault, every call from there
   * on.
   */
  failNextCall(callsLater?: number): void;
  /** Calls as the caller whose outcome the table gives. */
  callHere(): Promise<CallerOutcome>;
  /** The same from another process: its store works, and it waits where others do not. */
  callFromElsewhere(): Promise<CallerOutcome>;
  /** Resolves when this run has begun. */
  began(run: number): Promise<void>;
  /** A gate for a run to wait at. */
  readonly gate: Gate;
}

export interface ControlledFaultScenario extends FaultScenario {
  /** How often the work has begun. */
  runs(): number;
  /** How often the call has failed. */
  failedCalls(): number;
  /** From now on every call passes. */
  restoreStore(): void;
  close(): Promise<void>;
}

export interface FaultScenarioOptions {
  readonly situation: Situation;
  readonly fault: Fault;
  readonly entryPoint: EntryPointName;
  readonly inner: IdempotencyStore;
}

/** The key of the row, and an earlier one, through which this process reads the store's clock. */
const key = 'payment-1';
const earlierKey = 'payment-0';

export async function startFaultScenario({
  situation,
  fault,
  entryPoint,
  inner,
}: FaultScenarioOptions): Promise<ControlledFaultScenario> {
  const { verb, options = {} } = situation;
  const store = new FaultStore(inner, longTimeoutMs);
  const runBegan = gatesByKey<number>();
  let runs = 0;
  let failures = 0;
  const work: Work = async (context) => {
    if (context.key === earlierKey) return { run: 0, ends: 'done' };
    const run = ++runs;
    runBegan(run).open();
    return toRunResult(run, await situation.run?.(scenario, run, context));
  };
  const failing: FaultRule = async (pass) => {
    failures += 1;
    return await fault.rule(pass);
  };
  const nextCallNumber: FaultScenario['nextCallNumber'] = (of) => store.callsOf(of).length + 1;
  const here = await openEntryPoint(entryPoint, { store, options, work });
  const elsewhere = await openEntryPoint(entryPoint, {
    store: inner,
    options: { ...options, onInProgress: { waitMs: 60_000 } },
    work,
  });
  const scenario: ControlledFaultScenario = {
    store,
    fault,
    nextCallNumber,
    failNextCall: (callsLater = 0) => {
      if (fault.reachesDeadline || situation.reachesDeadline) setTimeoutOf(store, shortTimeoutMs);
      store.injectFault(verb, failing, fault.isPermanent ? null : nextCallNumber(verb) + callsLater);
    },
    callHere: async () => await here.call(key),
    callFromElsewhere: async () => await elsewhere.call(key),
    began: async (run) => await runBegan(run).opened,
    gate: newGate(),
    runs: () => runs,
    failedCalls: () => failures,
    restoreStore: () => {
      setTimeoutOf(store, longTimeoutMs);
      store.clearFaults();
    },
    close: async () => {
      await here.close();
      await elsewhere.close();
    },
  };
  if (!situation.isFirstStoreCall) await here.call(earlierKey);
  return scenario;
}

function toRunResult(run: number, end: RunResult['ends'] | RunResult | undefined): RunResult {
  return typeof end === 'object' ? end : { run, ends: end ?? 'done' };
}

function setTimeoutOf(store: FaultStore, timeoutMs: number): void {
  Object.assign(store, { callTimeoutMs: timeoutMs });
}

/** A gate for each key, made at its first use. */
export function gatesByKey<Key>(): (key: Key) => Gate {
  const known = new Map<Key, Gate>();
  return (of) => {
    const gate = known.get(of) ?? newGate();
    known.set(of, gate);
    return gate;
  };
}

interface EntryPoint {
  call(key: string): Promise<CallerOutcome>;
  close(): Promise<void>;
}

async function openEntryPoint(entryPoint: EntryPointName, setup: EntryPointSetup): Promise<EntryPoint> {
  if (entryPoint === 'executeIdempotently')
    return { call: async (of) => await callAsFunction(setup, of), close: async () => {} };
  const { port, close } = await startHttpApplication(entryPoint, setup);
  return { call: async (of) => await callOverHttp(port, of), close };
}
