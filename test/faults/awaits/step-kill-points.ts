// The points at which a process dies during a step, or during the recovery of one.
import { recovery } from '@onceguard/core';
import { failWithNothingHappened } from './charge-step.js';
import type { KillPoint } from './kill-point.js';

const steps = { onlyUnder: ['rerun', 'block', 'recover'] } as const;

/** The first caller leaves a step in doubt; the second, which has to recover it, dies. */
const recovers = {
  onlyUnder: ['recover'],
  earlierCaller: 'has finished',
  step: {
    atMostOnce: true,
    act: () => {
      throw new Error('The other system did not reply.');
    },
  },
} as const satisfies KillPoint;

export const stepKillPoints = {
  'runs a step': { ...steps, step: { atMostOnce: false, act: async (_context, { halt }) => await halt() } },
  'records the result of a step': {
    ...steps,
    step: { atMostOnce: false },
    arrange: (_, haltAt) => haltAt('checkpoint'),
  },
  'records the intent of an atMostOnce step': {
    ...steps,
    step: { atMostOnce: true },
    arrange: (_, haltAt) => haltAt('checkpoint', 1),
  },
  'runs an atMostOnce step': {
    ...steps,
    step: { atMostOnce: true, act: async (_context, { halt }) => await halt() },
  },
  'records the result of an atMostOnce step': {
    ...steps,
    step: { atMostOnce: true },
    arrange: (_, haltAt) => haltAt('checkpoint', 2),
  },
  'withdraws the intent of a step': {
    ...steps,
    step: { atMostOnce: true, act: failWithNothingHappened },
    arrange: (_, haltAt) => haltAt('checkpoint', 2),
  },
  'recovers a step': { ...recovers, recover: async (halt) => await halt() },
  'withdraws the intent of a recovered step': {
    ...recovers,
    recover: async () => recovery.notDone(),
    arrange: (_, haltAt) => haltAt('checkpoint', 2),
  },
  'leaves the outcome unknown after a recovery': {
    ...recovers,
    recover: async () => recovery.stillUnknown(),
    arrange: (_, haltAt) => haltAt('release', 2),
  },
} as const satisfies Record<string, KillPoint>;
