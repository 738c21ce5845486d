// Where a process dies in the course of an execution: each point as something that stays there until it is killed.
import { type RecoverContext, type Recovery, recovery, type StepContext } from '@onceguard/core';
import { type FaultStore, hangs, hangsAfter, type StoreMethod } from '@onceguard/testing';
import { untilAborted } from '../../support/until-aborted.js';
import { type EntryPointName, entryPointNames, type RunResult, type SharedOptions } from './entry-points.js';
import { stepKillPoints } from './step-kill-points.js';
import { withStaleClock } from './store-call-situations.js';

/** Says that the point is reached, and never goes on. */
export type Halt = () => Promise<never>;

/** Makes a verb's call of this number the point, or every one: the process dies before it took effect, or after it. */
export type HaltAt = (verb: StoreMethod, call?: number) => void;

export interface KillPoint {
  /** Only over HTTP: a function has no such point. */
  readonly onlyOver?: 'http';
  /** Only under these policies: others do not come to it. Default: all but `recover`. */
  readonly onlyUnder?: readonly Policy[];
  /** The deadline of the store's calls. Default: none that comes before the end. */
  readonly timeoutMs?: number;
  readonly options?: SharedOptions;
  /** Another caller comes first, and the second when it has been told, or at once. Default: there is only one. */
  readonly earlierCaller?: 'is told' | 'runs';
  readonly arrange?: (store: FaultStore, dieAt: HaltAt) => void;
  /** What the work does before it ends well, or the way in which it ends. */
  readonly run?: (running: KillPointContext) => Promise<RunResult['ends'] | undefined>;
  readonly scope?: (stay: Halt) => Promise<string>;
  /** The work is this step, and tells the run that took it. */
  readonly step?: StepKillPoint;
  /** What the victim finds out about an attempt before, where it has to. */
  readonly recover?: (stay: Halt) => Promise<Recovery<never>>;
  /** The point is the answer itself, which is about to leave. */
  readonly isResponse?: true;
}

export interface StepKillPoint {
  readonly atMostOnce: boolean;
  readonly act?: (context: StepContext, running: KillPointContext) => unknown;
}

export interface KillPointContext {
  readonly halt: Halt;
  readonly haltAt: HaltAt;
  readonly run: number;
  readonly signal: AbortSignal;
  /** Resolves when this run has begun. */
  began(run: number): Promise<void>;
}

/** Renewed at a third: a death leaves at least the half of it for a look at what stands there. */
const leaseMs = 5_000;

export const policies = {
  rerun: { leaseMs },
  block: { leaseMs, onAbandoned: 'block' },
  payments: { leaseMs, onAbandoned: 'block', onFailure: 'unknown' },
  /** Whoever comes next finds out what a step in doubt did, or rather does not. */
  recover: {
    leaseMs,
    onAbandoned: ({ stepsInDoubt }: RecoverContext) =>
      stepsInDoubt.length > 0 ? recovery.stillUnknown() : recovery.notDone(),
  },
} as const;

export type Policy = keyof typeof policies;

/** Enough for the calls that are to pass, and little enough for the lease to be alive after one that is not. */
const shortTimeoutMs = 1_500;
const waiting: SharedOptions = { onInProgress: { waitMs: 60_000 } };
const neverEnds = async () => await new Promise<never>(() => {});

export const killPoints = {
  'asks for its scope': { onlyOver: 'http', scope: async (stay) => await stay() },
  'learns the time of the store': { arrange: (_, dieAt) => dieAt('read') },
  'asks for the right to run': { arrange: (_, dieAt) => dieAt('acquire') },
  'asks again for what is done': { earlierCaller: 'is told', arrange: (_, dieAt) => dieAt('acquire', 2) },
  'waits for the outcome of another, and looks': {
    earlierCaller: 'runs',
    options: waiting,
    arrange: (_, dieAt) => dieAt('acquire', 3),
    run: neverEnds,
  },
  works: { run: async ({ halt }) => await halt() },
  'renews its lease': { arrange: (_, dieAt) => dieAt('renew'), run: neverEnds },
  'records its answer': { arrange: (_, dieAt) => dieAt('complete') },
  'records an answer of which bytes have left': {
    onlyOver: 'http',
    arrange: (_, dieAt) => dieAt('complete'),
    run: async () => 'done, flowing',
  },
  'lets its answer out': { isResponse: true },
  'records its answer in the background': {
    timeoutMs: shortTimeoutMs,
    arrange: (store, dieAt) => {
      store.injectFault('complete', hangs, 1);
      dieAt('complete');
    },
  },
  'looks for the outcome of the one that has taken over': {
    onlyUnder: ['rerun'],
    earlierCaller: 'runs',
    options: waiting,
    arrange: (store) => store.injectFault('renew', hangs),
    run: async ({ haltAt, run, signal, began }) => {
      if (run === 2) return await neverEnds();
      await untilAborted(signal);
      await began(2);
      haltAt('acquire');
      return undefined;
    },
  },
  'gives the key back after a failure': {
    arrange: (_, dieAt) => dieAt('release'),
    run: async () => 'failed',
  },
  'takes back a token that got no answer': {
    timeoutMs: shortTimeoutMs,
    arrange: (store, dieAt) => {
      store.injectFault('acquire', hangsAfter, 1);
      dieAt('release');
    },
  },
  'takes back a token that came too late, to ask with another': {
    arrange: (store, dieAt) => {
      store.injectFault('read', withStaleClock, 1);
      dieAt('release');
    },
  },
  ...stepKillPoints,
} as const satisfies Record<string, KillPoint>;

export type KillPointName = keyof typeof killPoints;

/** What is not a call of the store has no before and after. */
export type KillMoment = 'before' | 'during' | 'after';

/** A request of a victim. */
export interface KillCase {
  readonly moment: KillMoment;
  readonly way: EntryPointName;
  readonly policy: Policy;
}

/** Every way in under every policy, at each of these moments. */
export function casesOf(name: KillPointName, moments: readonly KillMoment[]): KillCase[] {
  const { onlyOver, onlyUnder }: KillPoint = killPoints[name];
  const ways = entryPointNames.filter((way) => onlyOver === undefined || way !== 'execute');
  const chosen = onlyUnder ?? ['rerun', 'block', 'payments'];
  return moments.flatMap((moment) => ways.flatMap((way) => chosen.map((policy) => ({ moment, way, policy }))));
}

export function titleOf({ moment, way, policy }: KillCase): string {
  return `${moment}, ${way}, ${policy}`;
}

/** A key that any client may send. */
export function keyOf(group: string, one: KillCase): string {
  return `${group}:${titleOf(one)}`.replaceAll(', ', ':').replaceAll(' ', '-');
}
