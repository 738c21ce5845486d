// The situations in which an execution calls its store.
import { setTimeout as pause } from 'node:timers/promises';
import { hangs, hangsAfter, type Interference, preceded } from '@onceguard/testing';
import { untilAborted } from '../../support/aborted.js';
import { type Situation, type Stage, shortMs } from './stage.js';
import { stepSituations } from './step-situations.js';
import type { Ran } from './ways.js';

/** Long enough for a caller that waits to be left without an answer, and to get one after that. */
const waitMs = 4 * shortMs;
const leaseMs = 1_000;

/** The store's clock as it was when this process learnt it, and is no more. */
export const longAgo: Interference = async (pass) => Object.assign({}, await pass(), { now: 1 });

export const situations = {
  'learns the time of the store': { verb: 'read', isFirst: true },
  'asks for the right to run': { verb: 'acquire' },
  'asks again for what is done': {
    verb: 'acquire',
    play: async ({ ask, strike }) => {
      await ask();
      strike();
      return await ask();
    },
  },
  'asks, and would run without the store': { verb: 'acquire', options: { onStoreUnavailable: 'bypass' } },
  'waits for the outcome of another': {
    verb: 'acquire',
    options: { onInProgress: { waitMs } },
    run: async ({ gate }, run) => {
      if (run === 1) await gate.opened;
      return undefined;
    },
    play: async ({ store, ask, askElsewhere, began, next, strike, gate }) => {
      const other = askElsewhere();
      await began(1);
      const look = next('acquire');
      const told = ask();
      await store.called('acquire', look);
      strike();
      await store.called('acquire', look + 1);
      gate.open();
      await other;
      return await told;
    },
  },
  'renews its lease': {
    verb: 'renew',
    // So long that a renewal that hangs leaves time for another.
    options: { leaseMs: 1_800 },
    run: async ({ store, strike, fault }, _run, { signal }) => {
      strike();
      await (fault.isForGood ? untilAborted(signal) : store.called('renew', 3));
      return undefined;
    },
  },
  'records its answer': { verb: 'complete', run: strikesAtFirst },
  'records an answer of which bytes have left': {
    verb: 'complete',
    only: 'http',
    run: async (stage, run) => {
      await strikesAtFirst(stage, run);
      return 'done, flowing';
    },
  },
  'records its answer in the background': {
    verb: 'complete',
    takesTime: true,
    run: async ({ store, next, strike }, run) => {
      if (run > 1) return undefined;
      store.on('complete', hangs, next('complete'));
      strike(1);
      return undefined;
    },
    play: async ({ store, next, ask }) => {
      const first = next('complete');
      const told = await ask();
      await store.called('complete', first + 1);
      return told;
    },
  },
  'records its answer after its lease, and nobody has taken over': {
    verb: 'complete',
    options: { leaseMs },
    run: async (stage, run, { signal }) => {
      if (run === 1) await outlivesLease(stage, signal);
      return await strikesAtFirst(stage, run);
    },
  },
  'looks for the outcome of the one that has taken over': {
    verb: 'acquire',
    options: { leaseMs, onInProgress: { waitMs } },
    run: async (stage, run, { signal }) => {
      const { store, askElsewhere, began, next, strike, gate } = stage;
      if (run === 2) await gate.opened;
      if (run !== 1) return undefined;
      await outlivesLease(stage, signal);
      void askElsewhere();
      await began(2);
      strike();
      void store.called('acquire', next('acquire')).then(gate.open);
      return undefined;
    },
  },
  'fails after another has taken over, and looks for its outcome': {
    verb: 'acquire',
    options: { leaseMs },
    only: 'http',
    run: async (stage, run, { signal }) => {
      if (run !== 1) return undefined;
      await outlivesLease(stage, signal);
      await stage.askElsewhere();
      stage.strike();
      return 'failed';
    },
  },
  'frees the key after a failure': { verb: 'release', run: failsAtFirst },
  'keeps the key as unknown after a failure': {
    verb: 'release',
    options: { onFailure: 'unknown' },
    run: failsAtFirst,
  },
  'takes back a token that got no answer': {
    verb: 'release',
    options: { onAbandoned: 'block' },
    takesTime: true,
    play: async ({ store, next, ask, strike }) => {
      store.on('acquire', hangsAfter, next('acquire'));
      strike();
      return await ask();
    },
  },
  'takes back a token that came too late, to ask with another': {
    verb: 'release',
    isFirst: true,
    play: async ({ store, ask, strike }) => {
      store.on('read', longAgo, 1);
      // So that a silent release ends beyond the deadline of the whole, and not at the very same moment.
      store.on(
        'acquire',
        preceded(() => pause(shortMs / 10)),
        1,
      );
      strike();
      return await ask();
    },
  },
  ...stepSituations,
} as const satisfies Record<string, Situation>;

export type SituationName = keyof typeof situations;

async function strikesAtFirst({ strike }: Stage, run: number): Promise<undefined> {
  if (run === 1) strike();
}

async function failsAtFirst({ strike }: Stage, run: number): Promise<Ran['ends'] | undefined> {
  if (run > 1) return undefined;
  strike();
  return 'failed';
}

async function outlivesLease({ store }: Stage, signal: AbortSignal): Promise<void> {
  store.on('renew', hangs);
  await untilAborted(signal);
}
