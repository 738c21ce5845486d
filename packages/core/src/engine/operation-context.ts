// What an operation is told about its execution.
import { v5 as uuidv5 } from 'uuid';
import { ConfigurationError } from '../errors.js';
import type { StepContext, StepOptions } from './steps.js';

export interface OperationContext {
  /** The idempotency key, as the caller gave it. */
  readonly key: string;
  /** 1 for the first execution of this key; higher after an attempt that failed or was abandoned. */
  readonly attempt: number;
  /** The attempt before this one was abandoned: what it did, nobody knows. */
  readonly takeover: boolean;
  /** Grows with every execution of this key; a system that keeps the highest can refuse an owner of old. 0 on a bypass. */
  readonly fencingToken: number;
  /**
   * True: the store could not be reached and the options say `onStoreUnavailable: 'bypass'`, so this runs without a record, a lease or
   * a fencing token.
   */
  readonly bypassed: boolean;
  /**
   * Aborts, with a `LeaseLostError`, when the lease is lost or over, or when the key is freed for a retry while you still work (after a
   * time-out). Do not act any more then.
   */
  readonly signal: AbortSignal;
  /**
   * A key to hand to another system for the part of the work called `name`: a UUIDv5 (RFC 9562) of the record's name, the
   * same over attempts and processes.
   */
  deriveKey(name: string): string;
  /**
   * Says, before the operation throws, that this attempt changed nothing anywhere: its failure then frees the key even where
   * `onFailure` is `unknown`, and another payload may come under it unless steps are on record. A result, and a final error, are recorded all the same. A step with `atMostOnce` that is in doubt stays so.
   */
  markNothingHappened(): void;
  /**
   * Runs one part of the work, and records its result before it resolves. An attempt that comes later, in whatever
   * process, is given that result, and `fn` does not run again.
   *
   * - A part that began without getting as far as its record runs again: pass `context.key` on, for the other system to
   *   recognise it. With `atMostOnce` it never runs again: the record goes to `recover`, or is unknown until somebody decides.
   * - Rejects with what `fn` throws; with a `LeaseLostError`, and without running `fn`, where the lease is over; with an
   *   `OutcomeUnknownError` where the step is in doubt.
   * - Names are unique within the work: 1 to 128 printable ASCII characters without spaces. Results are plain data, at most
   *   1 MiB each. 1000 steps at most.
   */
  step<T>(name: string, fn: (context: StepContext) => T | Promise<T>, options?: StepOptions<T>): Promise<T>;
}

/** The UUIDv5 namespace of keys derived here. */
const derivedKeyNamespace = '5b1f6b52-6a0e-5c1c-9d7b-0f3f6d6f3a1e';

/**
 * What `context.deriveKey(name)` gives, for whoever knows the record by its name alone: from an event, or from `listDoubts`.
 * A digest without a secret: it hides a key that cannot be guessed, and from a guess it can be computed.
 */
export function deriveKeyFromRecordName(recordName: string, name: string): string {
  try {
    return uuidv5(name, uuidv5(recordName, derivedKeyNamespace));
  } catch (cause) {
    throw new ConfigurationError('argument_invalid', 'deriveKey() was given no name; it must be well-formed text.', {
      cause,
    });
  }
}
