// The situations in which an execution calls its store.
import { setTimeout as pause } from 'node:timers/promises';
import { type FaultRule, hangs, hangsAfter, runFirst } from '@onceguard/testing';
import { untilAborted } from '../../../packages/testing/src/adapter-suite/support/until-aborted.js';
import type { RunResult } from './entry-points.js';
import { type FaultScenario, type Situation, shortTimeoutMs } from './fault-scenario.js';
import { stepSituations } from './step-call-situations.js';

/** Long enough for a waiting caller to miss one reply and to get the next. */
const waitMs = 4 * shortTimeoutMs;
const leaseMs = 1_000;

/** A stale reading of the store's clock. */
export const withStaleClock: FaultRule = async (pass) => Object.assign({}, await pass(), { now: 1 });

export const situations = {
  'reads the store clock': { verb: 'read', isFirstStoreCall: true },
  'acquires the lease': { verb: 'acquire' },
  'acquires again what is completed': {
    verb: 'acquire',
    act: async ({ callHere, failNextCall }) => {
      await callHere();
      failNextCall();
      return await callHere();
    },
  },
  'acquires, and may bypass the store': { verb: 'acquire', options: { onStoreUnavailable: 'bypass' } },
  'polls for the outcome of another attempt': {
    verb: 'acquire',
    options: { onInProgress: { waitMs } },
    run: async ({ gate }, run) => {
      if (run === 1) await gate.opened;
      return undefined;
    },
    act: async ({ store, callHere, callFromElsewhere, began, nextCallNumber, failNextCall, gate }) => {
      const otherCaller = callFromElsewhere();
      await began(1);
      const firstPoll = nextCallNumber('acquire');
      const outcome = callHere();
      await store.waitForCalls('acquire', firstPoll);
      failNextCall();
      await store.waitForCalls('acquire', firstPoll + 1);
      gate.open();
      await otherCaller;
      return await outcome;
    },
  },
  'renews its lease': {
    verb: 'renew',
    // Long enough for a second renewal after one that hangs.
    options: { leaseMs: 1_800 },
    run: async ({ store, failNextCall, fault }, _run, { signal }) => {
      failNextCall();
      await (fault.isPermanent ? untilAborted(signal) : store.waitForCalls('renew', 3));
      return undefined;
    },
  },
  'records its outcome': { verb: 'complete', run: failsStoreCallInFirstRun },
  'records a response that is partly sent': {
    verb: 'complete',
    onlyOver: 'http',
    run: async (scenario, run) => {
      await failsStoreCallInFirstRun(scenario, run);
      return 'done, streamed';
    },
  },
  'records its outcome in the background': {
    verb: 'complete',
    reachesDeadline: true,
    run: async ({ store, nextCallNumber, failNextCall }, run) => {
      if (run > 1) return undefined;
      store.injectFault('complete', hangs, nextCallNumber('complete'));
      failNextCall(1);
      return undefined;
    },
    act: async ({ store, nextCallNumber, callHere }) => {
      const first = nextCallNumber('complete');
      const outcome = await callHere();
      await store.waitForCalls('complete', first + 1);
      return outcome;
    },
  },
  'records its outcome after its lease, without a takeover': {
    verb: 'complete',
    options: { leaseMs },
    run: async (scenario, run, { signal }) => {
      if (run === 1) await runsPastLease(scenario, signal);
      return await failsStoreCallInFirstRun(scenario, run);
    },
  },
  'polls for the outcome of the new owner': {
    verb: 'acquire',
    options: { leaseMs, onInProgress: { waitMs } },
    run: async (scenario, run, { signal }) => {
      const { store, callFromElsewhere, began, nextCallNumber, failNextCall, gate } = scenario;
      if (run === 2) await gate.opened;
      if (run !== 1) return undefined;
      await runsPastLease(scenario, signal);
      void callFromElsewhere();
      await began(2);
      failNextCall();
      void store.waitForCalls('acquire', nextCallNumber('acquire')).then(gate.open);
      return undefined;
    },
  },
  'fails after a takeover, and reads the outcome of the new owner': {
    verb: 'acquire',
    options: { leaseMs },
    onlyOver: 'http',
    run: async (scenario, run, { signal }) => {
      if (run !== 1) return undefined;
      await runsPastLease(scenario, signal);
      await scenario.callFromElsewhere();
      scenario.failNextCall();
      return 'failed';
    },
  },
  'frees the key after a failure': { verb: 'release', run: failsInFirstRun },
  'marks the outcome unknown after a failure': {
    verb: 'release',
    options: { onFailure: 'unknown' },
    run: failsInFirstRun,
  },
  'releases a token whose acquire got no reply': {
    verb: 'release',
    options: { onAbandoned: 'block' },
    reachesDeadline: true,
    act: async ({ store, nextCallNumber, callHere, failNextCall }) => {
      store.injectFault('acquire', hangsAfter, nextCallNumber('acquire'));
      failNextCall();
      return await callHere();
    },
  },
  'releases a token whose acquire came too late': {
    verb: 'release',
    isFirstStoreCall: true,
    act: async ({ store, callHere, failNextCall }) => {
      store.injectFault('read', withStaleClock, 1);
      // This makes a silent release end after the deadline of the whole, and not at the same moment.
      store.injectFault(
        'acquire',
        runFirst(() => pause(shortTimeoutMs / 10)),
        1,
      );
      failNextCall();
      return await callHere();
    },
  },
  ...stepSituations,
} as const satisfies Record<string, Situation>;

export type SituationName = keyof typeof situations;

async function failsStoreCallInFirstRun({ failNextCall }: FaultScenario, run: number): Promise<undefined> {
  if (run === 1) failNextCall();
}

async function failsInFirstRun({ failNextCall }: FaultScenario, run: number): Promise<RunResult['ends'] | undefined> {
  if (run > 1) return undefined;
  failNextCall();
  return 'failed';
}

async function runsPastLease({ store }: FaultScenario, signal: AbortSignal): Promise<void> {
  store.injectFault('renew', hangs);
  await untilAborted(signal);
}
