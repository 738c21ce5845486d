// What holds where a store call of an execution fails: a row for every situation and every way of failing.

import type { CallerOutcome } from './entry-points.js';
import { stepExpectations } from './step-expectations.js';
import type { SituationName } from './store-call-situations.js';

/** Before the call took effect or after it; with an error, or with silence until the deadline; once, or until it is mended. */
export type FaultName =
  | `${'fails' | 'hangs'} ${'before' | 'after'}${'' | ', for good'}`
  /** With an error that leaves open whether it took effect. */
  | 'fails, perhaps after'
  /** An operator has to act. */
  | 'is refused, for good'
  /** The store takes the request for nonsense. */
  | 'makes no sense, for good';

type RequiredFaultName = Exclude<
  FaultName,
  'fails, perhaps after' | 'is refused, for good' | 'makes no sense, for good'
>;

export type Expectation = readonly [
  /** What the caller was told. A function's caller learns the class of a refusal, a client of HTTP does not. */
  told: CallerOutcome | { readonly function: CallerOutcome; readonly http: CallerOutcome },
  /** How often the work had run by then. */
  runs: number,
  /** What the record says once the store is well and everything has been said. */
  record: string,
  /** What a repeat is told after that. */
  repeat: CallerOutcome,
];

export type Expectations = Readonly<Record<RequiredFaultName, Expectation> & Partial<Record<FaultName, Expectation>>>;

const misconfigured = { function: 'store_misconfigured', http: 'store_unavailable' };

export const storeCallExpectations: Readonly<Record<SituationName, Expectations>> = {
  'learns the time of the store': {
    'fails before': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before': ['store_unavailable', 0, 'none', 'run 1'],
    'hangs after': ['store_unavailable', 0, 'none', 'run 1'],
    'fails before, for good': ['store_unavailable', 0, 'none', 'run 1'],
    'fails after, for good': ['store_unavailable', 0, 'none', 'run 1'],
    'hangs before, for good': ['store_unavailable', 0, 'none', 'run 1'],
    'hangs after, for good': ['store_unavailable', 0, 'none', 'run 1'],
    'is refused, for good': [misconfigured, 0, 'none', 'run 1'],
  },
  'asks for the right to run': {
    'fails before': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails, perhaps after': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before': ['store_unavailable', 0, 'none', 'run 1'],
    'hangs after': ['store_unavailable', 0, 'retryable, attempt 1', 'run 1'],
    'fails before, for good': ['store_unavailable', 0, 'none', 'run 1'],
    'fails after, for good': ['store_unavailable', 0, 'retryable, attempt 1', 'run 1'],
    'hangs before, for good': ['store_unavailable', 0, 'none', 'run 1'],
    'hangs after, for good': ['store_unavailable', 0, 'retryable, attempt 1', 'run 1'],
    'is refused, for good': [misconfigured, 0, 'none', 'run 1'],
  },
  'asks again for what is done': {
    'fails before': ['run 1, replayed', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails, perhaps after': ['run 1, replayed', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after': ['run 1, replayed', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before': ['store_unavailable', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs after': ['store_unavailable', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails before, for good': ['store_unavailable', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after, for good': ['store_unavailable', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before, for good': ['store_unavailable', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs after, for good': ['store_unavailable', 1, 'completed, attempt 1', 'run 1, replayed'],
    'is refused, for good': [misconfigured, 1, 'completed, attempt 1', 'run 1, replayed'],
  },
  'asks, and would run without the store': {
    'fails before': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before': ['run 1, not recorded', 1, 'none', 'run 2'],
    'hangs after': ['run 1, not recorded', 1, 'retryable, attempt 1', 'run 2'],
    'fails before, for good': ['run 1, not recorded', 1, 'none', 'run 2'],
    'fails after, for good': ['run 1, not recorded', 1, 'retryable, attempt 1', 'run 2'],
    'hangs before, for good': ['run 1, not recorded', 1, 'none', 'run 2'],
    'hangs after, for good': ['run 1, not recorded', 1, 'retryable, attempt 1', 'run 2'],
    'is refused, for good': ['run 1, not recorded', 1, 'none', 'run 2'],
  },
  'waits for the outcome of another': {
    'fails before': ['run 1, replayed', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after': ['run 1, replayed', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before': ['run 1, replayed', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs after': ['run 1, replayed', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails before, for good': ['in_progress', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after, for good': ['in_progress', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before, for good': ['in_progress', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs after, for good': ['in_progress', 1, 'completed, attempt 1', 'run 1, replayed'],
  },
  'renews its lease': {
    'fails before': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs after': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails before, for good': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after, for good': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before, for good': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs after, for good': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'is refused, for good': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
  },
  'records its answer': {
    'fails before': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs after': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails before, for good': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after, for good': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before, for good': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs after, for good': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'is refused, for good': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'makes no sense, for good': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
  },
  'records an answer of which bytes have left': {
    'fails before': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before': ['cut off', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs after': ['cut off', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails before, for good': ['cut off', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after, for good': ['cut off', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before, for good': ['cut off', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs after, for good': ['cut off', 1, 'completed, attempt 1', 'run 1, replayed'],
    'makes no sense, for good': ['cut off', 1, 'completed, attempt 1', 'run 1, replayed'],
  },
  'records its answer in the background': {
    'fails before': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs after': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails before, for good': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after, for good': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before, for good': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs after, for good': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'makes no sense, for good': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
  },
  'records its answer after its lease, and nobody has taken over': {
    'fails before': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before': ['store_unavailable', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs after': ['store_unavailable', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails before, for good': ['store_unavailable', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after, for good': ['store_unavailable', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before, for good': ['store_unavailable', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs after, for good': ['store_unavailable', 1, 'completed, attempt 1', 'run 1, replayed'],
  },
  'looks for the outcome of the one that has taken over': {
    'fails before': ['run 2, replayed', 2, 'completed, attempt 2', 'run 2, replayed'],
    'fails after': ['run 2, replayed', 2, 'completed, attempt 2', 'run 2, replayed'],
    'hangs before': ['run 2, replayed', 2, 'completed, attempt 2', 'run 2, replayed'],
    'hangs after': ['run 2, replayed', 2, 'completed, attempt 2', 'run 2, replayed'],
    'fails before, for good': ['in_progress', 2, 'completed, attempt 2', 'run 2, replayed'],
    'fails after, for good': ['in_progress', 2, 'completed, attempt 2', 'run 2, replayed'],
    'hangs before, for good': ['in_progress', 2, 'completed, attempt 2', 'run 2, replayed'],
    'hangs after, for good': ['in_progress', 2, 'completed, attempt 2', 'run 2, replayed'],
  },
  'fails after another has taken over, and looks for its outcome': {
    'fails before': ['run 2, replayed', 2, 'completed, attempt 2', 'run 2, replayed'],
    'fails after': ['run 2, replayed', 2, 'completed, attempt 2', 'run 2, replayed'],
    'hangs before': ['store_unavailable', 2, 'completed, attempt 2', 'run 2, replayed'],
    'hangs after': ['store_unavailable', 2, 'completed, attempt 2', 'run 2, replayed'],
    'fails before, for good': ['store_unavailable', 2, 'completed, attempt 2', 'run 2, replayed'],
    'fails after, for good': ['store_unavailable', 2, 'completed, attempt 2', 'run 2, replayed'],
    'hangs before, for good': ['store_unavailable', 2, 'completed, attempt 2', 'run 2, replayed'],
    'hangs after, for good': ['store_unavailable', 2, 'completed, attempt 2', 'run 2, replayed'],
  },
  'frees the key after a failure': {
    'fails before': ['failure of run 1', 1, 'retryable, attempt 1', 'run 2'],
    'fails after': ['failure of run 1', 1, 'retryable, attempt 1', 'run 2'],
    'hangs before': ['failure of run 1', 1, 'retryable, attempt 1', 'run 2'],
    'hangs after': ['failure of run 1', 1, 'retryable, attempt 1', 'run 2'],
    'fails before, for good': ['failure of run 1', 1, 'retryable, attempt 1', 'run 2'],
    'fails after, for good': ['failure of run 1', 1, 'retryable, attempt 1', 'run 2'],
    'hangs before, for good': ['failure of run 1', 1, 'retryable, attempt 1', 'run 2'],
    'hangs after, for good': ['failure of run 1', 1, 'retryable, attempt 1', 'run 2'],
    'is refused, for good': ['failure of run 1', 1, 'retryable, attempt 1', 'run 2'],
    'makes no sense, for good': ['failure of run 1', 1, 'retryable, attempt 1', 'run 2'],
  },
  'keeps the key as unknown after a failure': {
    'fails before': ['failure of run 1', 1, 'unknown, attempt 1', 'outcome_unknown'],
    'fails after': ['failure of run 1', 1, 'unknown, attempt 1', 'outcome_unknown'],
    'hangs before': ['failure of run 1', 1, 'unknown, attempt 1', 'outcome_unknown'],
    'hangs after': ['failure of run 1', 1, 'unknown, attempt 1', 'outcome_unknown'],
    'fails before, for good': ['failure of run 1', 1, 'unknown, attempt 1', 'outcome_unknown'],
    'fails after, for good': ['failure of run 1', 1, 'unknown, attempt 1', 'outcome_unknown'],
    'hangs before, for good': ['failure of run 1', 1, 'unknown, attempt 1', 'outcome_unknown'],
    'hangs after, for good': ['failure of run 1', 1, 'unknown, attempt 1', 'outcome_unknown'],
  },
  'takes back a token that got no answer': {
    'fails before': ['store_unavailable', 0, 'retryable, attempt 1', 'run 1'],
    'fails after': ['store_unavailable', 0, 'retryable, attempt 1', 'run 1'],
    'hangs before': ['store_unavailable', 0, 'retryable, attempt 1', 'run 1'],
    'hangs after': ['store_unavailable', 0, 'retryable, attempt 1', 'run 1'],
    'fails before, for good': ['store_unavailable', 0, 'retryable, attempt 1', 'run 1'],
    'fails after, for good': ['store_unavailable', 0, 'retryable, attempt 1', 'run 1'],
    'hangs before, for good': ['store_unavailable', 0, 'retryable, attempt 1', 'run 1'],
    'hangs after, for good': ['store_unavailable', 0, 'retryable, attempt 1', 'run 1'],
    'is refused, for good': ['store_unavailable', 0, 'retryable, attempt 1', 'run 1'],
    'makes no sense, for good': ['store_unavailable', 0, 'retryable, attempt 1', 'run 1'],
  },
  'takes back a token that came too late, to ask with another': {
    'fails before': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before': ['store_unavailable', 0, 'none', 'run 1'],
    'hangs after': ['store_unavailable', 0, 'none', 'run 1'],
    'fails before, for good': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after, for good': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before, for good': ['store_unavailable', 0, 'none', 'run 1'],
    'hangs after, for good': ['store_unavailable', 0, 'none', 'run 1'],
  },
  ...stepExpectations,
};
