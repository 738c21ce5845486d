// What a row of the table plays on: a store that fails as told, a way in, and another process beside it.
import type { IdempotencyStore } from '@onceguard/core';
import { type FaultRule, FaultStore, type StoreMethod } from '@onceguard/testing';
import { type Gate, newGate } from '../../adapters/gate.js';
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

/** The deadline of a store call that is waited for in vain. No other call must come to its own, however slow the machine. */
export const shortTimeoutMs = 400;
const longTimeoutMs = 1_500;

/** A situation in which an execution calls its store, brought about so that this very call can fail. */
export interface Situation {
  readonly verb: StoreMethod;
  readonly options?: SharedOptions;
  /** Only over HTTP: a function has no such situation. */
  readonly onlyOver?: 'http';
  /** It comes to the deadline of a call by itself. */
  readonly reachesDeadline?: true;
  /** Nobody in this process has asked the store anything before. */
  readonly isFirstStoreCall?: true;
  /** What a run does before it ends well, or the way in which it ends, or what it came to. */
  readonly run?: (
    stage: FaultScenario,
    run: number,
    told: WorkContext,
  ) => Promise<RunResult['ends'] | RunResult | undefined>;
  /** Answers what the caller was told. Default: strikes, unless a run does, and asks. */
  readonly act?: (stage: FaultScenario) => Promise<CallerOutcome>;
}

export interface Fault {
  readonly rule: FaultRule;
  /** It lasts until it is mended. Otherwise one call fails. */
  readonly isPermanent: boolean;
  /** It keeps its caller until the deadline. */
  readonly reachesDeadline: boolean;
}

export interface FaultScenario {
  readonly store: FaultStore;
  readonly fault: Fault;
  /** The number of the verb's next call. */
  nextCallNumber(verb: StoreMethod): number;
  /** Makes the verb's next call fail, or the one so many calls later; or, for good, every one from there on. */
  failNextCall(callsLater?: number): void;
  /** The caller whom the table tells of. */
  callHere(): Promise<CallerOutcome>;
  /** The same from another process: its store is well, and it waits where others do not. */
  callFromElsewhere(): Promise<CallerOutcome>;
  /** Resolves when this run has begun. */
  began(run: number): Promise<void>;
  /** For a run to wait at. */
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
  readonly way: EntryPointName;
  readonly inner: IdempotencyStore;
}

/** The key of the row, and one before it, from which this process has learnt the time of the store. */
const key = 'payment-1';
const earlierKey = 'payment-0';

export async function startFaultScenario({
  situation,
  fault,
  way,
  inner,
}: FaultScenarioOptions): Promise<ControlledFaultScenario> {
  const { verb, options = {} } = situation;
  const store = new FaultStore(inner, longTimeoutMs);
  const beginning = gatesByKey<number>();
  let runs = 0;
  let struck = 0;
  const work: Work = async (context) => {
    if (context.key === earlierKey) return { run: 0, ends: 'done' };
    const run = ++runs;
    beginning(run).open();
    return toRunResult(run, await situation.run?.(stage, run, context));
  };
  const strikes: FaultRule = async (pass) => {
    struck += 1;
    return await fault.rule(pass);
  };
  const nextCallNumber: FaultScenario['nextCallNumber'] = (of) => store.callsOf(of).length + 1;
  const here = await openEntryPoint(way, { store, options, work });
  const elsewhere = await openEntryPoint(way, {
    store: inner,
    options: { ...options, onInProgress: { waitMs: 60_000 } },
    work,
  });
  const stage: ControlledFaultScenario = {
    store,
    fault,
    nextCallNumber,
    failNextCall: (callsLater = 0) => {
      if (fault.reachesDeadline || situation.reachesDeadline) setTimeoutOf(store, shortTimeoutMs);
      store.injectFault(verb, strikes, fault.isPermanent ? null : nextCallNumber(verb) + callsLater);
    },
    callHere: async () => await here.call(key),
    callFromElsewhere: async () => await elsewhere.call(key),
    began: async (run) => await beginning(run).opened,
    gate: newGate(),
    runs: () => runs,
    failedCalls: () => struck,
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
  return stage;
}

function toRunResult(run: number, ended: RunResult['ends'] | RunResult | undefined): RunResult {
  return typeof ended === 'object' ? ended : { run, ends: ended ?? 'done' };
}

function setTimeoutOf(store: FaultStore, timeoutMs: number): void {
  Object.assign(store, { timeoutMs });
}

/** A gate for each, made when it is first asked for. */
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

async function openEntryPoint(way: EntryPointName, opening: EntryPointSetup): Promise<EntryPoint> {
  if (way === 'execute') return { call: async (of) => await callAsFunction(opening, of), close: async () => {} };
  const { port, close } = await startHttpApplication(way, opening);
  return { call: async (of) => await callOverHttp(port, of), close };
}
