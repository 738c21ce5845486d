// What a row of the table plays on: a store that fails as told, a way in, and another process beside it.
import type { IdempotencyStore } from '@onceguard/core';
import { FaultStore, type Interference, type StoreVerb } from '@onceguard/testing';
import { type Gate, newGate } from '../../adapters/gate.js';
import {
  askFunction,
  askHttp,
  type Opening,
  type Options,
  openHttp,
  type Ran,
  type Told,
  type WayName,
  type Words,
  type Work,
} from './ways.js';

/** The deadline of a store call that is waited for in vain. No other call must come to its own, however slow the machine. */
export const shortMs = 400;
const patientMs = 1_500;

/** A situation in which an execution calls its store, brought about so that this very call can fail. */
export interface Situation {
  readonly verb: StoreVerb;
  readonly options?: Options;
  /** Only over HTTP: a function has no such situation. */
  readonly only?: 'http';
  /** It comes to the deadline of a call by itself. */
  readonly takesTime?: true;
  /** Nobody in this process has asked the store anything before. */
  readonly isFirst?: true;
  /** What a run does before it ends well, or the way in which it ends, or what it came to. */
  readonly run?: (stage: Stage, run: number, told: Told) => Promise<Ran['ends'] | Ran | undefined>;
  /** Answers what the caller was told. Default: strikes, unless a run does, and asks. */
  readonly play?: (stage: Stage) => Promise<Words>;
}

export interface Fault {
  readonly interference: Interference;
  /** It lasts until it is mended. Otherwise one call fails. */
  readonly isForGood: boolean;
  /** It keeps its caller until the deadline. */
  readonly takesTime: boolean;
}

export interface Stage {
  readonly store: FaultStore;
  readonly fault: Fault;
  /** The number of the verb's next call. */
  next(verb: StoreVerb): number;
  /** Makes the verb's next call fail, or the one so many calls later; or, for good, every one from there on. */
  strike(callsLater?: number): void;
  /** The caller whom the table tells of. */
  ask(): Promise<Words>;
  /** The same from another process: its store is well, and it waits where others do not. */
  askElsewhere(): Promise<Words>;
  /** Resolves when this run has begun. */
  began(run: number): Promise<void>;
  /** For a run to wait at. */
  readonly gate: Gate;
}

export interface SetStage extends Stage {
  /** How often the work has begun. */
  runs(): number;
  /** How often the call has failed. */
  struck(): number;
  /** From now on every call passes. */
  mend(): void;
  close(): Promise<void>;
}

export interface Setting {
  readonly situation: Situation;
  readonly fault: Fault;
  readonly way: WayName;
  readonly inner: IdempotencyStore;
}

/** The key of the row, and one before it, from which this process has learnt the time of the store. */
const key = 'payment-1';
const keyBefore = 'payment-0';

export async function setStage({ situation, fault, way, inner }: Setting): Promise<SetStage> {
  const { verb, options = {} } = situation;
  const store = new FaultStore(inner, patientMs);
  const beginning = gates<number>();
  let runs = 0;
  let struck = 0;
  const work: Work = async (context) => {
    if (context.key === keyBefore) return { run: 0, ends: 'done' };
    const run = ++runs;
    beginning(run).open();
    return ranAs(run, await situation.run?.(stage, run, context));
  };
  const strikes: Interference = async (pass) => {
    struck += 1;
    return await fault.interference(pass);
  };
  const next: Stage['next'] = (of) => store.of(of).length + 1;
  const here = await open(way, { store, options, work });
  const elsewhere = await open(way, { store: inner, options: { ...options, onInProgress: { waitMs: 60_000 } }, work });
  const stage: SetStage = {
    store,
    fault,
    next,
    strike: (callsLater = 0) => {
      if (fault.takesTime || situation.takesTime) setTimeoutOf(store, shortMs);
      store.on(verb, strikes, fault.isForGood ? null : next(verb) + callsLater);
    },
    ask: async () => await here.ask(key),
    askElsewhere: async () => await elsewhere.ask(key),
    began: async (run) => await beginning(run).opened,
    gate: newGate(),
    runs: () => runs,
    struck: () => struck,
    mend: () => {
      setTimeoutOf(store, patientMs);
      store.heal();
    },
    close: async () => {
      await here.close();
      await elsewhere.close();
    },
  };
  if (!situation.isFirst) await here.ask(keyBefore);
  return stage;
}

function ranAs(run: number, ended: Ran['ends'] | Ran | undefined): Ran {
  return typeof ended === 'object' ? ended : { run, ends: ended ?? 'done' };
}

function setTimeoutOf(store: FaultStore, timeoutMs: number): void {
  Object.assign(store, { timeoutMs });
}

/** A gate for each, made when it is first asked for. */
export function gates<Key>(): (key: Key) => Gate {
  const known = new Map<Key, Gate>();
  return (of) => {
    const gate = known.get(of) ?? newGate();
    known.set(of, gate);
    return gate;
  };
}

interface Door {
  ask(key: string): Promise<Words>;
  close(): Promise<void>;
}

async function open(way: WayName, opening: Opening): Promise<Door> {
  if (way === 'execute') return { ask: async (of) => await askFunction(opening, of), close: async () => {} };
  const { port, close } = await openHttp(way, opening);
  return { ask: async (of) => await askHttp(port, of), close };
}
