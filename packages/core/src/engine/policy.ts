// The options that functions and HTTP share: their defaults, their limits, and the preset for payments.
import * as z from 'zod';
import { functionField, milliseconds, wholeNumber } from '../parse-options.js';
import type { OnAbandoned } from '../protocol/messages.js';
import type { IdempotencyStore } from '../store/port.js';

const day = 86_400_000;

/** The defaults of all shared options. Times are in milliseconds. */
export const defaultPolicy = Object.freeze({
  leaseMs: 30_000,
  maxExecutionMs: 900_000,
  ttlMs: day,
  unknownTtlMs: 400 * day,
  onFailure: 'retry',
  onInProgress: 'reject',
  onAbandoned: 'rerun',
  onStoreUnavailable: 'reject',
});

/**
 * Options for work that must not run twice. After an abandoned attempt or a failure the outcome is unknown until somebody decides.
 * Outcomes are kept for 7 days; that the work is done is remembered for 400 days. Spread it into the options; options after it win. For
 * HTTP use `httpPaymentPolicy`.
 *
 * @example
 * const charge = makeIdempotent(chargeCard, { ...paymentPolicy, store, scope: tenantOf, key: ({ orderId }) => orderId });
 */
export const paymentPolicy = Object.freeze({
  onAbandoned: 'block',
  onFailure: 'unknown',
  ttlMs: 7 * day,
  tombstoneMs: 400 * day,
  onStoreUnavailable: 'reject',
} as const);

/** How a caller waits for the outcome of another attempt. */
export interface WaitOptions {
  /** The longest time to wait, in milliseconds. 1 to 86 400 000 (a day). */
  readonly waitMs: number;
  /** How many callers may wait at once at this store in this process. Further callers are refused at once. Default 1 000. */
  readonly maxWaiters?: number | undefined;
  /** How many callers of one scope may wait at once, so that one tenant cannot use all slots. Default: `maxWaiters`. */
  readonly maxWaitersPerScope?: number | undefined;
}

const waiterCount = wholeNumber('callers', 1, 1_000_000, 'For a hundred write 100.');

export interface PolicyOptions<RecoverFunction = never> {
  /** How long an owner keeps its lease without a renewal, in milliseconds; after that others may take over. Default 30 000. */
  leaseMs?: number;
  /** After how many milliseconds renewal stops, also if the work never ends. Default 900 000 (15 minutes). */
  maxExecutionMs?: number;
  /** How long a recorded outcome is replayed, in milliseconds. At least `leaseMs`. Default 86 400 000 (24 hours). */
  ttlMs?: number;
  /** How long a repeat gets `expired` instead of running again, in milliseconds from completion on. At least `ttlMs`. Default: `ttlMs`. */
  tombstoneMs?: number;
  /** How long a record with an unknown outcome is kept, in milliseconds. Default 34 560 000 000 (400 days). */
  unknownTtlMs?: number;
  /** What follows a failure: the key is free for a retry, or the outcome is unknown until somebody decides. Default `retry`. */
  onFailure?: 'retry' | 'unknown';
  /** What a caller does while another attempt runs: it is refused at once, or waits for the outcome. Default `reject`. */
  onInProgress?: 'reject' | WaitOptions;
  /**
   * What follows an attempt that was abandoned, or whose outcome is unknown: `rerun` runs again after its lease, `block` refuses until
   * somebody decides, and a function finds out what happened. Default `rerun`.
   */
  onAbandoned?: 'rerun' | 'block' | RecoverFunction;
  /** What follows if the store does not reply before the work begins: a refusal, or a run without any protection. Default `reject`. */
  onStoreUnavailable?: 'reject' | 'bypass';
}

/** The checked options. A `recover` function is part of the work, so `onAbandoned` says only that there is one. */
export type Policy = Required<Omit<PolicyOptions, 'onAbandoned'>> & { readonly onAbandoned: OnAbandoned };

const waitOptionsField = z.strictObject({
  waitMs: milliseconds(1, day),
  maxWaiters: waiterCount.optional(),
  maxWaitersPerScope: waiterCount.optional(),
});

/** The policy options as fields of a zod object, for every schema that has them. */
export const policyFields = {
  leaseMs: milliseconds(10, day).default(defaultPolicy.leaseMs),
  maxExecutionMs: milliseconds(10, 30 * day).default(defaultPolicy.maxExecutionMs),
  ttlMs: milliseconds(10, 4_000 * day).default(defaultPolicy.ttlMs),
  tombstoneMs: milliseconds(10, 4_000 * day).optional(),
  unknownTtlMs: milliseconds(10, 4_000 * day).default(defaultPolicy.unknownTtlMs),
  onFailure: z.enum(['retry', 'unknown']).default(defaultPolicy.onFailure),
  onInProgress: z.union([z.literal('reject'), waitOptionsField]).default(defaultPolicy.onInProgress),
  onAbandoned: z
    .union([z.enum(['rerun', 'block']), functionField()], {
      error: 'it must be "rerun", "block", or a function that finds out what happened',
    })
    .transform((chosen) => (typeof chosen === 'function' ? 'recover' : chosen))
    .default(defaultPolicy.onAbandoned),
  onStoreUnavailable: z.enum(['reject', 'bypass']).default(defaultPolicy.onStoreUnavailable),
};

/** For decisions and recoveries, which may lengthen the retention of a record. */
export const retentionFields = {
  ttlMs: policyFields.ttlMs.unwrap().optional(),
  tombstoneMs: policyFields.tombstoneMs,
};

export const storeField = z.custom<IdempotencyStore>(
  (value) => typeof value === 'object' && value !== null && 'acquire' in value && typeof value.acquire === 'function',
  { error: 'it must be a store, such as new MemoryStore() or new RedisStore({ client })' },
);

/** Fills in the default of `tombstoneMs`, which is `ttlMs`. */
export function withDefaultTombstone<T extends { ttlMs: number; tombstoneMs?: number | undefined }>(
  options: T,
): T & { tombstoneMs: number } {
  return { ...options, tombstoneMs: options.tombstoneMs ?? options.ttlMs };
}

/** The rules between options, for `superRefine`: the lease ends before the outcome, and the outcome before its tombstone. */
export function checkPolicy(
  options: { leaseMs: number; ttlMs?: number | undefined; tombstoneMs?: number | undefined },
  context: z.core.$RefinementCtx,
): void {
  if (options.ttlMs !== undefined && options.ttlMs < options.leaseMs) {
    const message = `it must be at least leaseMs (${options.leaseMs}): an outcome that is gone before a lease ends protects nothing`;
    context.addIssue({ code: 'custom', path: ['ttlMs'], message, input: options.ttlMs });
  }
  checkTombstone(options, context);
}

export function checkTombstone(
  options: { ttlMs?: number | undefined; tombstoneMs?: number | undefined },
  context: z.core.$RefinementCtx,
): void {
  if (options.tombstoneMs !== undefined && options.ttlMs !== undefined && options.tombstoneMs < options.ttlMs) {
    const message = `it must be at least ttlMs (${options.ttlMs}): it counts from completion too`;
    context.addIssue({ code: 'custom', path: ['tombstoneMs'], message, input: options.tombstoneMs });
  }
}
