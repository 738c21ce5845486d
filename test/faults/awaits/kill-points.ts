// The points of an execution at which a process is killed. At its point the execution halts until the kill.
import { type RecoverContext, type Recovery, recovery, type StepContext } from '@onceguard/core';
import { type FaultStore, hangs, hangsAfter, type StoreMethod } from '@onceguard/testing';
import { untilAborted } from '../../support/until-aborted.js';
import { type EntryPointName, entryPointNames, type RunResult, type SharedOptions } from './entry-points.js';
import { stepKillPoints } from './step-kill-points.js';
import { withStaleClock } from './store-call-situations.js';

/** Reports that the point is reached, and never resolves. */
export type Halt = () => Promise<never>;

/**
 * Makes the verb's call with this number the point, or every call: the process dies before it took effect, or after it.
 */
export type HaltAt = (verb: StoreMethod, call?: number) => void;

export interface KillPoint {
  /** Only over HTTP: a function has no such point. */
  readonly onlyOver?: 'http';
  /** Only under these policies: others do not reach it. Default: all but `recover`. */
  readonly onlyUnder?: readonly Policy[];
  /** The deadline of the store's calls. Default: longer than the test. */
  readonly timeoutMs?: number;
  readonly options?: SharedOptions;
  /**
   * Another caller comes first, and the second one when the first has finished, or at once. Default: there is only one.
   */
  readonly earlierCaller?: 'has finished' | 'is running';
  readonly arrange?: (store: FaultStore, haltAt: HaltAt) => void;
  /** What the work does; returns how it ends. Default: done. */
  readonly run?: (running: KillPointContext) => Promise<RunResult['ends'] | undefined>;
  readonly scope?: (halt: Halt) => Promise<string>;
  /** The work is this step; its result is the run that ran the step. */
  readonly step?: StepKillPoint;
  /** The victim's recover function for an attempt before. */
  readonly recover?: (halt: Halt) => Promise<Recovery<never>>;
  /** The point is the response itself, just before it is sent. */
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

/** Renewed every third of it: after a kill at least half of it is left to read the record. */
const leaseMs = 5_000;

export const policies = {
  rerun: { leaseMs },
  block: { leaseMs, onAbandoned: 'block' },
  payments: { leaseMs, onAbandoned: 'block', onFailure: 'unknown' },
  /** The next caller recovers a step in doubt, without finding out what it did. */
  recover: {
    leaseMs,
    onAbandoned: ({ stepsInDoubt }: RecoverContext) =>
      stepsInDoubt.length > 0 ? recovery.stillUnknown() : recovery.notDone(),
  },
} as const;

export type Policy = keyof typeof policies;

/** Long enough for the calls that must pass, and short enough for the lease to be valid after one that hangs. */
const shortTimeoutMs = 1_500;
const waiting: SharedOptions = { onInProgress: { waitMs: 60_000 } };
const neverEnds = async () => await new Promise<never>(() => {});

export const killPoints = {
  'calls its scope function': { onlyOver: 'http', scope: async (halt) => await halt() },
  'reads the store clock': { arrange: (_, haltAt) => haltAt('read') },
  'acquires the lease': { arrange: (_, haltAt) => haltAt('acquire') },
  'acquires again what is completed': { earlierCaller: 'has finished', arrange: (_, haltAt) => haltAt('acquire', 2) },
  'polls for the outcome of another attempt': {
    earlierCaller: 'is running',
    options: waiting,
    arrange: (_, haltAt) => haltAt('acquire', 3),
    run: neverEnds,
  },
  'runs the work': { run: async ({ halt }) => await halt() },
  'renews its lease': { arrange: (_, haltAt) => haltAt('renew'), run: neverEnds },
  'records its outcome': { arrange: (_, haltAt) => haltAt('complete') },
  'records a response that is partly sent': {
    onlyOver: 'http',
    arrange: (_, haltAt) => haltAt('complete'),
    run: async () => 'done, streamed',
  },
  'sends its response': { isResponse: true },
  'records its outcome in the background': {
    timeoutMs: shortTimeoutMs,
    arrange: (store, haltAt) => {
      store.injectFault('complete', hangs, 1);
      haltAt('complete');
    },
  },
  'polls for the outcome of the new owner': {
    onlyUnder: ['rerun'],
    earlierCaller: 'is running',
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
  'frees the key after a failure': {
    arrange: (_, haltAt) => haltAt('release'),
    run: async () => 'failed',
  },
  'releases a token whose acquire got no reply': {
    timeoutMs: shortTimeoutMs,
    arrange: (store, haltAt) => {
      store.injectFault('acquire', hangsAfter, 1);
      haltAt('release');
    },
  },
  'releases a token whose acquire came too late': {
    arrange: (store, haltAt) => {
      store.injectFault('read', withStaleClock, 1);
      haltAt('release');
    },
  },
  ...stepKillPoints,
} as const satisfies Record<string, KillPoint>;

export type KillPointName = keyof typeof killPoints;

/** A point that is no store call has no before and after: its moment is `during`. */
export type KillMoment = 'before' | 'during' | 'after';

/** A request to a victim. */
export interface KillCase {
  readonly moment: KillMoment;
  readonly entryPoint: EntryPointName;
  readonly policy: Policy;
}

/** Every entry point under every policy, at each of these moments. */
export function casesOf(name: KillPointName, moments: readonly KillMoment[]): KillCase[] {
  const { onlyOver, onlyUnder }: KillPoint = killPoints[name];
  const entryPoints = entryPointNames.filter(
    (entryPoint) => onlyOver === undefined || entryPoint !== 'executeIdempotently',
  );
  const chosen = onlyUnder ?? ['rerun', 'block', 'payments'];
  return moments.flatMap((moment) =>
    entryPoints.flatMap((entryPoint) => chosen.map((policy) => ({ moment, entryPoint, policy }))),
  );
}

export function titleOf({ moment, entryPoint, policy }: KillCase): string {
  return `${moment}, ${entryPoint}, ${policy}`;
}

/** A key that any client may send. */
export function keyOf(group: string, killCase: KillCase): string {
  return `${group}:${titleOf(killCase)}`.replaceAll(', ', ':').replaceAll(' ', '-');
}
