// The options of a step: what a step's function receives, and how often, when and whether it is tried again.
import * as z from 'zod';
import { milliseconds, parseOptions, wholeNumber } from '../parse-options.js';
import type { TransactionPort } from '../store/transaction-port.js';
import type { EnqueueOptions } from './enqueue-options.js';
import type { ResultSchema } from './result-schema.js';
import { transactionField } from './transaction-option.js';

/** What a step's function is given. */
export interface StepContext {
  /**
   * A UUIDv5 by which another system recognises a repeat, `deriveKey(name)`. It is the same in every try, every attempt and
   * every process.
   */
  readonly key: string;
  /** The attempt that runs the step. */
  readonly attempt: number;
  /** Counts the calls of the function within this attempt: 1 for the first, 2 for the first retry. */
  readonly tryNumber: number;
  /** Aborts, with a `LeaseLostError`, when the lease is lost or over. Do not act any more then. */
  readonly signal: AbortSignal;
  /**
   * Says, before this try throws, that it changed nothing anywhere. A step with `atMostOnce` may then be tried again, and is not
   * in doubt.
   */
  markNothingHappened(): void;
  /**
   * In a step with the option `transaction`: puts a message into the outbox, in the transaction of the step. As `enqueue` of the
   * operation's context.
   */
  enqueue(topic: string, payload: string | Uint8Array, options?: EnqueueOptions): Promise<string>;
}

/**
 * How long a step waits between its tries: `initialMs` before the first retry, then `factor` times as long before each further
 * one, and never longer than `maxMs`. Each wait is a random time between half of that and all of it, so that callers that failed
 * together do not come back together.
 */
export interface StepBackoff {
  /** In milliseconds. 1 to 86 400 000, default 1 000. */
  readonly initialMs?: number;
  /** 1 to 100, default 2. With 1 all waits are equally long. */
  readonly factor?: number;
  /** In milliseconds. 1 to 86 400 000, at least `initialMs`. Default 30 000, or `initialMs` where that is longer. */
  readonly maxMs?: number;
}

export interface StepOptions<T> {
  /**
   * Records first that the step is about to run. If nothing more is known of it later, the step is in doubt and is never
   * repeated silently. Default false.
   */
  atMostOnce?: boolean;
  /**
   * How often the function is called again, within this attempt, after it has thrown. 0 to 100, default 0. The next attempt
   * counts from the beginning. A step with `atMostOnce` is tried again only after `markNothingHappened()`.
   */
  retries?: number;
  /** How long to wait between the tries. Default: 1, 2, 4, … seconds, at most 30, each shortened at random by up to half. */
  backoff?: StepBackoff;
  /**
   * Whether the function may be called again after this error. Default: after every error but those of onceguard itself and the
   * ones that `finalErrors` lists. Nothing is tried again once the signal has aborted.
   */
  retryable?: (error: unknown) => boolean;
  /**
   * `store.transactions(…)`: what the function does with `transaction.of(context)` and the record of the step are one transaction. The
   * step happens once, or not at all. It is rolled back where the function throws or the lease is lost. Default: none.
   */
  transaction?: TransactionPort;
  /** Checks what comes back from the record, which an earlier version may have written. A zod schema has `parse`. */
  resultSchema?: ResultSchema<T>;
}

/** The options as the engine uses them. `retryable` and `resultSchema` are those of the caller. */
export interface CheckedStepOptions {
  readonly atMostOnce: boolean;
  readonly retries: number;
  readonly backoff: Required<StepBackoff>;
  readonly transaction?: TransactionPort | undefined;
}

const maxBackoffMs = 86_400_000;
const defaultBackoff = Object.freeze({ initialMs: 1_000, factor: 2, maxMs: 30_000 });
const defaultOptions: CheckedStepOptions = Object.freeze({ atMostOnce: false, retries: 0, backoff: defaultBackoff });

const factorRule = 'it must be a number from 1 to 100. To double the wait write 2; for equal waits write 1.';

const backoffSchema = z
  .strictObject(
    {
      initialMs: milliseconds(1, maxBackoffMs).default(defaultBackoff.initialMs),
      factor: z.number({ error: factorRule }).min(1, factorRule).max(100, factorRule).default(defaultBackoff.factor),
      maxMs: milliseconds(1, maxBackoffMs).optional(),
    },
    { error: (issue) => (issue.code === 'invalid_type' ? 'it must be { initialMs, factor, maxMs }' : undefined) },
  )
  .transform(({ maxMs, ...backoff }, context) => {
    const longestMs = maxMs ?? Math.max(defaultBackoff.maxMs, backoff.initialMs);
    if (longestMs < backoff.initialMs) {
      const message = `it must be at least initialMs (${backoff.initialMs})`;
      context.addIssue({ code: 'custom', path: ['maxMs'], message, input: longestMs });
    }
    return { ...backoff, maxMs: longestMs };
  });

const onceRule = 'it must be left out with transaction: what a transaction does happens once, or not at all';

const schema = z
  .strictObject({
    transaction: transactionField,
    atMostOnce: z.boolean().default(false),
    retries: wholeNumber('retries', 0, 100, 'For up to three more tries write 3.').default(0),
    backoff: backoffSchema.default(defaultBackoff),
    retryable: z
      .custom((value) => typeof value === 'function', { error: 'it must be a function that returns true or false' })
      .optional(),
    resultSchema: z
      .custom((value) => Object(value) === value && typeof Object(value).parse === 'function', {
        error: 'it must have a method parse, as zod schemas do',
      })
      .optional(),
  })
  .superRefine(({ transaction, atMostOnce }, context) => {
    if (transaction === undefined || !atMostOnce) return;
    context.addIssue({ code: 'custom', path: ['atMostOnce'], message: onceRule, input: atMostOnce });
  });

/** Throws a `ConfigurationError` (`option_invalid`) that names the step, the option and the remedy. */
export function checkStepOptions(name: string, options: StepOptions<unknown> | undefined): CheckedStepOptions {
  if (options === undefined) return defaultOptions;
  return parseOptions(`step(${JSON.stringify(name)})`, schema, options);
}
