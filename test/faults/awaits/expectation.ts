// What holds where one store call of an execution fails: the types of a table row.

import type { CallerOutcome } from './entry-points.js';

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
