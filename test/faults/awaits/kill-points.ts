// The points of an execution at which a process is killed. At its point the execution halts until the kill.
import { hangs, hangsAfter } from '@onceguard/testing';
import { untilAborted } from '../../../packages/testing/src/adapter-suite/support/until-aborted.js';
import { type EntryPointName, entryPointNames, type SharedOptions } from './entry-points.js';
import type { KillPoint, Policy } from './kill-point.js';
import { stepKillPoints } from './step-kill-points.js';
import { withStaleClock } from './store-call-situations.js';

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
