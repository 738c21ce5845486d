// Where a process dies in the course of an execution: each point as something that stays there until it is killed.
import { notDone, type RecoverContext, type Recovery, type StepContext, stillUnknown } from '@onceguard/core';
import { type FaultStore, hangs, hangsAfter, type StoreVerb } from '@onceguard/testing';
import { untilAborted } from '../../support/aborted.js';
import { longAgo } from './situations.js';
import { stepDeaths } from './step-deaths.js';
import { type Options, type Ran, type WayName, wayNames } from './ways.js';

/** Says that the point is reached, and never goes on. */
export type Stay = () => Promise<never>;

/** Makes a verb's call of this number the point, or every one: the process dies before it took effect, or after it. */
export type DieAt = (verb: StoreVerb, call?: number) => void;

export interface Death {
  /** Only over HTTP: a function has no such point. */
  readonly only?: 'http';
  /** Only under these policies: others do not come to it. Default: all but `recover`. */
  readonly under?: readonly Policy[];
  /** The deadline of the store's calls. Default: none that comes before the end. */
  readonly timeoutMs?: number;
  readonly options?: Options;
  /** Another caller comes first, and the second when it has been told, or at once. Default: there is only one. */
  readonly first?: 'is told' | 'runs';
  readonly arrange?: (store: FaultStore, dieAt: DieAt) => void;
  /** What the work does before it ends well, or the way in which it ends. */
  readonly run?: (running: Running) => Promise<Ran['ends'] | undefined>;
  readonly scope?: (stay: Stay) => Promise<string>;
  /** The work is this step, and tells the run that took it. */
  readonly step?: StepDeath;
  /** What the victim finds out about an attempt before, where it has to. */
  readonly recover?: (stay: Stay) => Promise<Recovery<never>>;
  /** The point is the answer itself, which is about to leave. */
  readonly isAnswer?: true;
}

export interface StepDeath {
  readonly atMostOnce: boolean;
  readonly act?: (context: StepContext, running: Running) => unknown;
}

export interface Running {
  readonly stay: Stay;
  readonly dieAt: DieAt;
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
    onAbandoned: ({ inDoubt }: RecoverContext) => (inDoubt.length > 0 ? stillUnknown() : notDone()),
  },
} as const;

export type Policy = keyof typeof policies;

/** Enough for the calls that are to pass, and little enough for the lease to be alive after one that is not. */
const shortTimeoutMs = 1_500;
const waiting: Options = { onInProgress: { waitMs: 60_000 } };
const lasts = async () => await new Promise<never>(() => {});

export const deaths = {
  'asks for its scope': { only: 'http', scope: async (stay) => await stay() },
  'learns the time of the store': { arrange: (_, dieAt) => dieAt('read') },
  'asks for the right to run': { arrange: (_, dieAt) => dieAt('acquire') },
  'asks again for what is done': { first: 'is told', arrange: (_, dieAt) => dieAt('acquire', 2) },
  'waits for the outcome of another, and looks': {
    first: 'runs',
    options: waiting,
    arrange: (_, dieAt) => dieAt('acquire', 3),
    run: lasts,
  },
  works: { run: async ({ stay }) => await stay() },
  'renews its lease': { arrange: (_, dieAt) => dieAt('renew'), run: lasts },
  'records its answer': { arrange: (_, dieAt) => dieAt('complete') },
  'records an answer of which bytes have left': {
    only: 'http',
    arrange: (_, dieAt) => dieAt('complete'),
    run: async () => 'done, flowing',
  },
  'lets its answer out': { isAnswer: true },
  'records its answer in the background': {
    timeoutMs: shortTimeoutMs,
    arrange: (store, dieAt) => {
      store.on('complete', hangs, 1);
      dieAt('complete');
    },
  },
  'looks for the outcome of the one that has taken over': {
    under: ['rerun'],
    first: 'runs',
    options: waiting,
    arrange: (store) => store.on('renew', hangs),
    run: async ({ dieAt, run, signal, began }) => {
      if (run === 2) return await lasts();
      await untilAborted(signal);
      await began(2);
      dieAt('acquire');
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
      store.on('acquire', hangsAfter, 1);
      dieAt('release');
    },
  },
  'takes back a token that came too late, to ask with another': {
    arrange: (store, dieAt) => {
      store.on('read', longAgo, 1);
      dieAt('release');
    },
  },
  ...stepDeaths,
} as const satisfies Record<string, Death>;

export type DeathName = keyof typeof deaths;

/** What is not a call of the store has no before and after. */
export type Moment = 'before' | 'during' | 'after';

/** A request of a victim. */
export interface Case {
  readonly moment: Moment;
  readonly way: WayName;
  readonly policy: Policy;
}

/** Every way in under every policy, at each of these moments. */
export function casesOf(name: DeathName, moments: readonly Moment[]): Case[] {
  const { only, under }: Death = deaths[name];
  const ways = wayNames.filter((way) => only === undefined || way !== 'execute');
  const chosen = under ?? ['rerun', 'block', 'payments'];
  return moments.flatMap((moment) => ways.flatMap((way) => chosen.map((policy) => ({ moment, way, policy }))));
}

export function titleOf({ moment, way, policy }: Case): string {
  return `${moment}, ${way}, ${policy}`;
}

/** A key that any client may send. */
export function keyOf(group: string, one: Case): string {
  return `${group}:${titleOf(one)}`.replaceAll(', ', ':').replaceAll(' ', '-');
}
