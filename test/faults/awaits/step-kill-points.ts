// Where a process dies in the course of a step, or while it finds out what became of one.
import { recovery } from '@onceguard/core';
import { failWithNothingHappened } from './charge-step.js';
import type { KillPoint } from './kill-points.js';

const steps = { under: ['rerun', 'block', 'recover'] } as const;

/** The first caller leaves a step in doubt; the second, who is to find out about it, dies. */
const recovers = {
  onlyUnder: ['recover'],
  earlierCaller: 'is told',
  step: {
    atMostOnce: true,
    act: () => {
      throw new Error('The other system said nothing.');
    },
  },
} as const satisfies KillPoint;

export const stepKillPoints = {
  'takes a step': { ...steps, step: { atMostOnce: false, act: async (_context, { halt }) => await halt() } },
  'records the result of a step': {
    ...steps,
    step: { atMostOnce: false },
    arrange: (_, dieAt) => dieAt('checkpoint'),
  },
  'records that a step begins which may run once': {
    ...steps,
    step: { atMostOnce: true },
    arrange: (_, dieAt) => dieAt('checkpoint', 1),
  },
  'takes a step that may run once': {
    ...steps,
    step: { atMostOnce: true, act: async (_context, { halt }) => await halt() },
  },
  'records the result of a step that may run once': {
    ...steps,
    step: { atMostOnce: true },
    arrange: (_, dieAt) => dieAt('checkpoint', 2),
  },
  'takes back that a step begins': {
    ...steps,
    step: { atMostOnce: true, act: failWithNothingHappened },
    arrange: (_, dieAt) => dieAt('checkpoint', 2),
  },
  'finds out what became of a step': { ...recovers, recover: async (stay) => await stay() },
  'takes back that a step began, since it found out': {
    ...recovers,
    recover: async () => recovery.notDone(),
    arrange: (_, dieAt) => dieAt('checkpoint', 2),
  },
  'leaves the outcome unknown, since it did not find out': {
    ...recovers,
    recover: async () => recovery.stillUnknown(),
    arrange: (_, dieAt) => dieAt('release', 2),
  },
} as const satisfies Record<string, KillPoint>;
