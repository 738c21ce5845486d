// What holds where a store call of a step or of a recovery fails: rows for `store-call-expectations.ts`.

import type { CallerOutcome } from './entry-points.js';
import type { Expectation, Expectations } from './expectation.js';
import type { stepSituations } from './step-call-situations.js';

const done: Expectation = ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'];

/** The lease expired without the step on record: a function throws, and an HTTP client gets the state of the record. */
const lost = { function: 'lease_lost', http: 'in_progress' };
const refused = { function: 'store_misconfigured', http: 'failure of run 1' };
const nonsense = { function: 'argument_invalid', http: 'failure of run 1' };

const failed = { function: 'no money', http: 'failure of run 1' };
const stillUnknown: Expectation = ['outcome_unknown', 1, 'unknown, attempt 2', 'outcome_unknown'];

export const stepExpectations: Readonly<Record<keyof typeof stepSituations, Expectations>> = {
  'records the result of a step': {
    ...withPassingFaults(done),
    'fails before, permanently': leaseOver('run 2'),
    'fails after, permanently': leaseOver('run 1'),
    'hangs before, permanently': leaseOver('run 2'),
    'hangs after, permanently': leaseOver('run 1'),
    'is rejected, permanently': [refused, 1, 'retryable, attempt 1', 'run 2'],
    'is invalid, permanently': [nonsense, 1, 'retryable, attempt 1', 'run 2'],
  },
  'records the intent of an atMostOnce step': {
    ...withPassingFaults(done),
    'fails before, permanently': leaseOver('run 2'),
    // The step did not run, but nobody knows that: its owner got no reply before its lease expired.
    'fails after, permanently': leaseOver('outcome_unknown'),
    'hangs before, permanently': leaseOver('run 2'),
    'hangs after, permanently': leaseOver('outcome_unknown'),
    'is rejected, permanently': [refused, 1, 'retryable, attempt 1', 'run 2'],
    'is invalid, permanently': [nonsense, 1, 'retryable, attempt 1', 'run 2'],
  },
  'records the result of an atMostOnce step': {
    ...withPassingFaults(done),
    'fails before, permanently': leaseOver('outcome_unknown'),
    'fails after, permanently': leaseOver('run 1'),
    'hangs before, permanently': leaseOver('outcome_unknown'),
    'hangs after, permanently': leaseOver('run 1'),
    'is rejected, permanently': [refused, 1, 'unknown, attempt 1', 'outcome_unknown'],
    'is invalid, permanently': [nonsense, 1, 'unknown, attempt 1', 'outcome_unknown'],
  },
  'withdraws the intent of a step': {
    ...withPassingFaults([failed, 1, 'retryable, attempt 1', 'run 2']),
    'fails before, permanently': leaseOver('outcome_unknown'),
    'fails after, permanently': leaseOver('run 2'),
    'hangs before, permanently': leaseOver('outcome_unknown'),
    'hangs after, permanently': leaseOver('run 2'),
    'is rejected, permanently': [refused, 1, 'unknown, attempt 1', 'outcome_unknown'],
    'is invalid, permanently': [nonsense, 1, 'unknown, attempt 1', 'outcome_unknown'],
  },
  'withdraws the intent of a recovered step': {
    ...withPassingFaults(['run 2', 2, 'completed, attempt 2', 'run 2, replayed']),
    'fails before, permanently': undecided('in_progress', 'in_progress'),
    'fails after, permanently': undecided('in_progress', 'in_progress'),
    'hangs before, permanently': undecided('in_progress', 'in_progress'),
    'hangs after, permanently': undecided('in_progress', 'in_progress'),
    'is rejected, permanently': undecided({ function: 'store_misconfigured', http: 'store_unavailable' }, 'unknown'),
    'is invalid, permanently': undecided({ function: 'argument_invalid', http: 'store_unavailable' }, 'unknown'),
  },
  'leaves the outcome unknown after a recovery': {
    ...withPassingFaults(stillUnknown),
    'fails before, permanently': stillUnknown,
    'fails after, permanently': stillUnknown,
    'hangs before, permanently': stillUnknown,
    'hangs after, permanently': stillUnknown,
    'is rejected, permanently': stillUnknown,
    'is invalid, permanently': stillUnknown,
  },
};

/** A call that succeeds when it is repeated changes nothing. */
function withPassingFaults(row: Expectation) {
  const faults = ['fails before', 'fails, perhaps executed', 'fails after', 'hangs before', 'hangs after'] as const;
  return Object.fromEntries(faults.map((fault) => [fault, row])) as Record<(typeof faults)[number], Expectation>;
}

function leaseOver(repeat: CallerOutcome): Expectation {
  return [lost, 1, 'in_progress, attempt 1', repeat];
}

/** The decision is not on record: the next caller recovers again, and the work continues. */
function undecided(outcome: Expectation[0], state: string): Expectation {
  return [outcome, 1, `${state}, attempt 2`, 'run 2'];
}
