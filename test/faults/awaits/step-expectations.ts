// What holds where a store call fails that a step makes, or a function that finds out: rows of the table in `table.ts`.

import type { CallerOutcome } from './entry-points.js';
import type { stepSituations } from './step-call-situations.js';
import type { Expectation, Expectations } from './store-call-expectations.js';

const done: Expectation = ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'];

/** The lease ended without the step on record: a function throws, and a client of HTTP is told what stands there. */
const lost = { function: 'lease_lost', http: 'in_progress' };
const refused = { function: 'store_misconfigured', http: 'failure of run 1' };
const nonsense = { function: 'argument_invalid', http: 'failure of run 1' };

const failed = { function: 'no money', http: 'failure of run 1' };
const stillUnknown: Expectation = ['outcome_unknown', 1, 'unknown, attempt 2', 'outcome_unknown'];

export const stepExpectations: Readonly<Record<keyof typeof stepSituations, Expectations>> = {
  'records the result of a step': {
    ...withPassingFaults(done),
    'fails before, for good': leaseOver('run 2'),
    'fails after, for good': leaseOver('run 1'),
    'hangs before, for good': leaseOver('run 2'),
    'hangs after, for good': leaseOver('run 1'),
    'is refused, for good': [refused, 1, 'retryable, attempt 1', 'run 2'],
    'makes no sense, for good': [nonsense, 1, 'retryable, attempt 1', 'run 2'],
  },
  'records that a step begins which may run once': {
    ...withPassingFaults(done),
    'fails before, for good': leaseOver('run 2'),
    // It did not run, but nobody knows that: its owner was told nothing, and then it was too late.
    'fails after, for good': leaseOver('outcome_unknown'),
    'hangs before, for good': leaseOver('run 2'),
    'hangs after, for good': leaseOver('outcome_unknown'),
    'is refused, for good': [refused, 1, 'retryable, attempt 1', 'run 2'],
    'makes no sense, for good': [nonsense, 1, 'retryable, attempt 1', 'run 2'],
  },
  'records the result of a step that may run once': {
    ...withPassingFaults(done),
    'fails before, for good': leaseOver('outcome_unknown'),
    'fails after, for good': leaseOver('run 1'),
    'hangs before, for good': leaseOver('outcome_unknown'),
    'hangs after, for good': leaseOver('run 1'),
    'is refused, for good': [refused, 1, 'unknown, attempt 1', 'outcome_unknown'],
    'makes no sense, for good': [nonsense, 1, 'unknown, attempt 1', 'outcome_unknown'],
  },
  'takes back that a step begins': {
    ...withPassingFaults([failed, 1, 'retryable, attempt 1', 'run 2']),
    'fails before, for good': leaseOver('outcome_unknown'),
    'fails after, for good': leaseOver('run 2'),
    'hangs before, for good': leaseOver('outcome_unknown'),
    'hangs after, for good': leaseOver('run 2'),
    'is refused, for good': [refused, 1, 'unknown, attempt 1', 'outcome_unknown'],
    'makes no sense, for good': [nonsense, 1, 'unknown, attempt 1', 'outcome_unknown'],
  },
  'takes back that a step began, since somebody found out': {
    ...withPassingFaults(['run 2', 2, 'completed, attempt 2', 'run 2, replayed']),
    'fails before, for good': undecided('in_progress', 'in_progress'),
    'fails after, for good': undecided('in_progress', 'in_progress'),
    'hangs before, for good': undecided('in_progress', 'in_progress'),
    'hangs after, for good': undecided('in_progress', 'in_progress'),
    'is refused, for good': undecided(
      { function: 'store_misconfigured', http: 'store_unavailable' },
      'outcome_unknown',
    ),
    'makes no sense, for good': undecided(
      { function: 'argument_invalid', http: 'store_unavailable' },
      'outcome_unknown',
    ),
  },
  'leaves the outcome unknown, since nobody found out': {
    ...withPassingFaults(stillUnknown),
    'fails before, for good': stillUnknown,
    'fails after, for good': stillUnknown,
    'hangs before, for good': stillUnknown,
    'hangs after, for good': stillUnknown,
    'is refused, for good': stillUnknown,
    'makes no sense, for good': stillUnknown,
  },
};

/** A call that succeeds when it is repeated changes nothing. */
function withPassingFaults(row: Expectation) {
  const faults = ['fails before', 'fails, perhaps after', 'fails after', 'hangs before', 'hangs after'] as const;
  return Object.fromEntries(faults.map((fault) => [fault, row])) as Record<(typeof faults)[number], Expectation>;
}

function leaseOver(repeat: CallerOutcome): Expectation {
  return [lost, 1, 'in_progress, attempt 1', repeat];
}

/** What was found out is not on record: the next caller finds it out again, and the work goes on. */
function undecided(told: Expectation[0], state: string): Expectation {
  return [told, 1, `${state}, attempt 2`, 'run 2'];
}
