// Where a process dies in the course of a step, or while it finds out what became of one.
import { notDone, stillUnknown } from '@onceguard/core';
import { changesNothing } from './charging.js';
import type { Death } from './deaths.js';

const steps = { under: ['rerun', 'block', 'recover'] } as const;

/** The first caller leaves a step in doubt; the second, who is to find out about it, dies. */
const findsOut = {
  under: ['recover'],
  first: 'is told',
  step: {
    atMostOnce: true,
    act: () => {
      throw new Error('The other system said nothing.');
    },
  },
} as const satisfies Death;

export const stepDeaths = {
  'takes a step': { ...steps, step: { atMostOnce: false, act: async (_context, { stay }) => await stay() } },
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
    step: { atMostOnce: true, act: async (_context, { stay }) => await stay() },
  },
  'records the result of a step that may run once': {
    ...steps,
    step: { atMostOnce: true },
    arrange: (_, dieAt) => dieAt('checkpoint', 2),
  },
  'takes back that a step begins': {
    ...steps,
    step: { atMostOnce: true, act: changesNothing },
    arrange: (_, dieAt) => dieAt('checkpoint', 2),
  },
  'finds out what became of a step': { ...findsOut, recover: async (stay) => await stay() },
  'takes back that a step began, since it found out': {
    ...findsOut,
    recover: async () => notDone(),
    arrange: (_, dieAt) => dieAt('checkpoint', 2),
  },
  'leaves the outcome unknown, since it did not find out': {
    ...findsOut,
    recover: async () => stillUnknown(),
    arrange: (_, dieAt) => dieAt('release', 2),
  },
} as const satisfies Record<string, Death>;
