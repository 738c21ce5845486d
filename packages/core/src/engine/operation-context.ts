// What an operation is told about its execution.
import type { EnqueueOptions } from './enqueue-options.js';
import type { StepContext, StepOptions } from './step-options.js';

export interface OperationContext {
  /** The idempotency key, as the caller gave it. */
  readonly key: string;
  /** The name of the record at the store, as events, `listDoubts` and `lookup` know it. It is a digest, and never the key. */
  readonly recordName: string;
  /** 1 for the first execution of this key; higher after an attempt that failed or was abandoned. */
  readonly attempt: number;
  /** The attempt before this one was abandoned: nobody knows what it did. */
  readonly takeover: boolean;
  /**
   * Grows with every execution of this key. Pass it to a system that keeps the highest token and refuses a lower one: it then refuses
   * an owner that has lost its lease. 0 where `bypassed`: no store gave a token.
   */
  readonly fencingToken: number;
  /**
   * True: the store could not be reached and the options say `onStoreUnavailable: 'bypass'`, so this runs without a record, a lease or
   * a fencing token. Another call with the same key may run at the same time, or again.
   */
  readonly bypassed: boolean;
  /**
   * Aborts with a `LeaseLostError` when the lease is lost or over, or when the key is released for a retry while the operation still
   * works (after a time-out). Stop acting then.
   */
  readonly signal: AbortSignal;
  /**
   * Returns a key to pass to another system for the part of the work called `name`: a UUIDv5 (RFC 9562) of the record's name, the same
   * over attempts and processes. Throws a `ConfigurationError` (`argument_invalid`) where `name` is not well-formed text.
   */
  deriveKey(name: string): string;
  /**
   * Declares, before the operation throws, that this attempt changed nothing anywhere. Its failure then releases the key even with
   * `onFailure: 'unknown'`, and the next call may have another payload unless steps are on record. A result and a final error are
   * recorded all the same. A step with `atMostOnce` that is in doubt stays in doubt.
   */
  markNothingHappened(): void;
  /**
   * Runs one part of the work and records its result before it resolves. A later attempt, in whatever process, gets that result, and
   * `fn` does not run again.
   *
   * - A part that began and did not get as far as its record runs again. Pass `context.key` to the other system, which recognises the
   *   repeat by it. With `atMostOnce` the part never runs again: the record goes to `recover`, or is unknown until somebody decides.
   * - With `retries` it is tried again within this attempt after `fn` has thrown, under the same key, while the lease is renewed.
   * - Rejects with what `fn` throws in its last try; with a `LeaseLostError`, without running `fn`, where the lease is over; with an
   *   `OutcomeUnknownError` where the step is in doubt; with a `ConfigurationError` for a name or options that are not valid.
   * - Names are unique within the work: 1 to 128 printable ASCII characters without spaces. Results are plain data of at most
   *   1 MiB each. A record holds at most 1000 steps.
   *
   * @example
   * const charge = await context.step('charge', ({ key }) => provider.charge(order.total, { idempotencyKey: key }));
   */
  step<T>(name: string, fn: (context: StepContext) => T | Promise<T>, options?: StepOptions<T>): Promise<T>;
  /**
   * Puts a message into the outbox, in the transaction of this attempt: it exists exactly if the transaction commits. A relay of the store
   * publishes it at least once. Resolves with the id of the message, a UUID: the n-th message of a topic has the same id in every
   * attempt, so a consumer recognises a repeat by it.
   *
   * Rejects with a `ConfigurationError`: `transaction_missing` where the options have no `transaction`, `transaction_over` after the
   * operation has ended, `argument_invalid` for a topic that is not 1 to 255 characters.
   *
   * @param topic - says what the message is about, such as `payment.made`
   * @param payload - text, which is kept as UTF-8, or bytes
   *
   * @example
   * await context.enqueue('payment.made', JSON.stringify({ paymentId: payment.id }));
   */
  enqueue(topic: string, payload: string | Uint8Array, options?: EnqueueOptions): Promise<string>;
}
