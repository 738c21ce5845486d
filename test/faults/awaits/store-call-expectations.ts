// What holds where a store call of an execution fails: a row for every situation and every fault.

import type { CallerOutcome } from './entry-points.js';
import { stepExpectations } from './step-expectations.js';
import type { SituationName } from './store-call-situations.js';

/** Before the call took effect or after it; with an error, or with silence until the deadline; once, or permanently. */
export type FaultName =
  | `${'fails' | 'hangs'} ${'before' | 'after'}${'' | ', permanently'}`
  /** With an error that leaves open whether the call took effect. */
  | 'fails, perhaps executed'
  /** An operator has to act. */
  | 'is rejected, permanently'
  /** The store rejects the request as invalid. */
  | 'is invalid, permanently';

type RequiredFaultName = Exclude<
  FaultName,
  'fails, perhaps executed' | 'is rejected, permanently' | 'is invalid, permanently'
>;

export type Expectation = readonly [
  /** What the caller got. A function's caller gets the class of a store error, an HTTP client does not. */
  outcome: CallerOutcome | { readonly function: CallerOutcome; readonly http: CallerOutcome },
  /** How often the work had run by then. */
  runs: number,
  /** The record once the store works again and all queued calls are sent. */
  record: string,
  /** What a repeat gets after that. */
  repeat: CallerOutcome,
];

export type Expectations = Readonly<Record<RequiredFaultName, Expectation> & Partial<Record<FaultName, Expectation>>>;

const misconfigured = { function: 'store_misconfigured', http: 'store_unavailable' };

export const storeCallExpectations: Readonly<Record<SituationName, Expectations>> = {
  'reads the store clock': {
    'fails before': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before': ['store_unavailable', 0, 'none', 'run 1'],
    'hangs after': ['store_unavailable', 0, 'none', 'run 1'],
    'fails before, permanently': ['store_unavailable', 0, 'none', 'run 1'],
    'fails after, permanently': ['store_unavailable', 0, 'none', 'run 1'],
    'hangs before, permanently': ['store_unavailable', 0, 'none', 'run 1'],
    'hangs after, permanently': ['store_unavailable', 0, 'none', 'run 1'],
    'is rejected, permanently': [misconfigured, 0, 'none', 'run 1'],
  },
  'acquires the lease': {
    'fails before': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails, perhaps executed': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before': ['store_unavailable', 0, 'none', 'run 1'],
    'hangs after': ['store_unavailable', 0, 'retryable, attempt 1', 'run 1'],
    'fails before, permanently': ['store_unavailable', 0, 'none', 'run 1'],
    'fails after, permanently': ['store_unavailable', 0, 'retryable, attempt 1', 'run 1'],
    'hangs before, permanently': ['store_unavailable', 0, 'none', 'run 1'],
    'hangs after, permanently': ['store_unavailable', 0, 'retryable, attempt 1', 'run 1'],
    'is rejected, permanently': [misconfigured, 0, 'none', 'run 1'],
  },
  'acquires again what is completed': {
    'fails before': ['run 1, replayed', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails, perhaps executed': ['run 1, replayed', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after': ['run 1, replayed', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before': ['store_unavailable', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs after': ['store_unavailable', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails before, permanently': ['store_unavailable', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after, permanently': ['store_unavailable', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before, permanently': ['store_unavailable', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs after, permanently': ['store_unavailable', 1, 'completed, attempt 1', 'run 1, replayed'],
    'is rejected, permanently': [misconfigured, 1, 'completed, attempt 1', 'run 1, replayed'],
  },
  'acquires, and may bypass the store': {
    'fails before': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before': ['run 1, not recorded', 1, 'none', 'run 2'],
    'hangs after': ['run 1, not recorded', 1, 'retryable, attempt 1', 'run 2'],
    'fails before, permanently': ['run 1, not recorded', 1, 'none', 'run 2'],
    'fails after, permanently': ['run 1, not recorded', 1, 'retryable, attempt 1', 'run 2'],
    'hangs before, permanently': ['run 1, not recorded', 1, 'none', 'run 2'],
    'hangs after, permanently': ['run 1, not recorded', 1, 'retryable, attempt 1', 'run 2'],
    'is rejected, permanently': ['run 1, not recorded', 1, 'none', 'run 2'],
  },
  'polls for the outcome of another attempt': {
    'fails before': ['run 1, replayed', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after': ['run 1, replayed', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before': ['run 1, replayed', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs after': ['run 1, replayed', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails before, permanently': ['in_progress', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after, permanently': ['in_progress', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before, permanently': ['in_progress', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs after, permanently': ['in_progress', 1, 'completed, attempt 1', 'run 1, replayed'],
  },
  'renews its lease': {
    'fails before': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs after': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails before, permanently': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after, permanently': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before, permanently': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs after, permanently': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'is rejected, permanently': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
  },
  'records its outcome': {
    'fails before': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs after': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails before, permanently': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after, permanently': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before, permanently': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs after, permanently': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'is rejected, permanently': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'is invalid, permanently': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
  },
  'records a response that is partly sent': {
    'fails before': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before': ['cut off', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs after': ['cut off', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails before, permanently': ['cut off', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after, permanently': ['cut off', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before, permanently': ['cut off', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs after, permanently': ['cut off', 1, 'completed, attempt 1', 'run 1, replayed'],
    'is invalid, permanently': ['cut off', 1, 'completed, attempt 1', 'run 1, replayed'],
  },
  'records its outcome in the background': {
    'fails before': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs after': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails before, permanently': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after, permanently': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before, permanently': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs after, permanently': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
    'is invalid, permanently': ['run 1, not recorded', 1, 'completed, attempt 1', 'run 1, replayed'],
  },
  'records its outcome after its lease, without a takeover': {
    'fails before': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before': ['store_unavailable', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs after': ['store_unavailable', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails before, permanently': ['store_unavailable', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after, permanently': ['store_unavailable', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before, permanently': ['store_unavailable', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs after, permanently': ['store_unavailable', 1, 'completed, attempt 1', 'run 1, replayed'],
  },
  'polls for the outcome of the new owner': {
    'fails before': ['run 2, replayed', 2, 'completed, attempt 2', 'run 2, replayed'],
    'fails after': ['run 2, replayed', 2, 'completed, attempt 2', 'run 2, replayed'],
    'hangs before': ['run 2, replayed', 2, 'completed, attempt 2', 'run 2, replayed'],
    'hangs after': ['run 2, replayed', 2, 'completed, attempt 2', 'run 2, replayed'],
    'fails before, permanently': ['in_progress', 2, 'completed, attempt 2', 'run 2, replayed'],
    'fails after, permanently': ['in_progress', 2, 'completed, attempt 2', 'run 2, replayed'],
    'hangs before, permanently': ['in_progress', 2, 'completed, attempt 2', 'run 2, replayed'],
    'hangs after, permanently': ['in_progress', 2, 'completed, attempt 2', 'run 2, replayed'],
  },
  'fails after a takeover, and reads the outcome of the new owner': {
    'fails before': ['run 2, replayed', 2, 'completed, attempt 2', 'run 2, replayed'],
    'fails after': ['run 2, replayed', 2, 'completed, attempt 2', 'run 2, replayed'],
    'hangs before': ['store_unavailable', 2, 'completed, attempt 2', 'run 2, replayed'],
    'hangs after': ['store_unavailable', 2, 'completed, attempt 2', 'run 2, replayed'],
    'fails before, permanently': ['store_unavailable', 2, 'completed, attempt 2', 'run 2, replayed'],
    'fails after, permanently': ['store_unavailable', 2, 'completed, attempt 2', 'run 2, replayed'],
    'hangs before, permanently': ['store_unavailable', 2, 'completed, attempt 2', 'run 2, replayed'],
    'hangs after, permanently': ['store_unavailable', 2, 'completed, attempt 2', 'run 2, replayed'],
  },
  'frees the key after a failure': {
    'fails before': ['failure of run 1', 1, 'retryable, attempt 1', 'run 2'],
    'fails after': ['failure of run 1', 1, 'retryable, attempt 1', 'run 2'],
    'hangs before': ['failure of run 1', 1, 'retryable, attempt 1', 'run 2'],
    'hangs after': ['failure of run 1', 1, 'retryable, attempt 1', 'run 2'],
    'fails before, permanently': ['failure of run 1', 1, 'retryable, attempt 1', 'run 2'],
    'fails after, permanently': ['failure of run 1', 1, 'retryable, attempt 1', 'run 2'],
    'hangs before, permanently': ['failure of run 1', 1, 'retryable, attempt 1', 'run 2'],
    'hangs after, permanently': ['failure of run 1', 1, 'retryable, attempt 1', 'run 2'],
    'is rejected, permanently': ['failure of run 1', 1, 'retryable, attempt 1', 'run 2'],
    'is invalid, permanently': ['failure of run 1', 1, 'retryable, attempt 1', 'run 2'],
  },
  'marks the outcome unknown after a failure': {
    'fails before': ['failure of run 1', 1, 'unknown, attempt 1', 'outcome_unknown'],
    'fails after': ['failure of run 1', 1, 'unknown, attempt 1', 'outcome_unknown'],
    'hangs before': ['failure of run 1', 1, 'unknown, attempt 1', 'outcome_unknown'],
    'hangs after': ['failure of run 1', 1, 'unknown, attempt 1', 'outcome_unknown'],
    'fails before, permanently': ['failure of run 1', 1, 'unknown, attempt 1', 'outcome_unknown'],
    'fails after, permanently': ['failure of run 1', 1, 'unknown, attempt 1', 'outcome_unknown'],
    'hangs before, permanently': ['failure of run 1', 1, 'unknown, attempt 1', 'outcome_unknown'],
    'hangs after, permanently': ['failure of run 1', 1, 'unknown, attempt 1', 'outcome_unknown'],
  },
  'releases a token whose acquire got no reply': {
    'fails before': ['store_unavailable', 0, 'retryable, attempt 1', 'run 1'],
    'fails after': ['store_unavailable', 0, 'retryable, attempt 1', 'run 1'],
    'hangs before': ['store_unavailable', 0, 'retryable, attempt 1', 'run 1'],
    'hangs after': ['store_unavailable', 0, 'retryable, attempt 1', 'run 1'],
    'fails before, permanently': ['store_unavailable', 0, 'retryable, attempt 1', 'run 1'],
    'fails after, permanently': ['store_unavailable', 0, 'retryable, attempt 1', 'run 1'],
    'hangs before, permanently': ['store_unavailable', 0, 'retryable, attempt 1', 'run 1'],
    'hangs after, permanently': ['store_unavailable', 0, 'retryable, attempt 1', 'run 1'],
    'is rejected, permanently': ['store_unavailable', 0, 'retryable, attempt 1', 'run 1'],
    'is invalid, permanently': ['store_unavailable', 0, 'retryable, attempt 1', 'run 1'],
  },
  'releases a token whose acquire came too late': {
    'fails before': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before': ['store_unavailable', 0, 'none', 'run 1'],
    'hangs after': ['store_unavailable', 0, 'none', 'run 1'],
    'fails before, permanently': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'fails after, permanently': ['run 1', 1, 'completed, attempt 1', 'run 1, replayed'],
    'hangs before, permanently': ['store_unavailable', 0, 'none', 'run 1'],
    'hangs after, permanently': ['store_unavailable', 0, 'none', 'run 1'],
  },
  ...stepExpectations,
};
