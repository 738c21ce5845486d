// The options that every way in shares: their defaults, their limits, and the preset for payments.
import { z } from 'zod';
import { milliseconds, wholeNumber } from '../parse-options.js';
import type { OnAbandoned } from '../protocol/messages.js';
import type { IdempotencyStore } from '../store/port.js';

const day = 86_400_000;

/** Every default in one place. Times in milliseconds. */
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
 * For work that must not run twice: an abandoned attempt and a failure are unknown until somebody decides, results are kept for 7
 * days, and "done" is remembered for 400. Spread it into the options; what follows it wins. For HTTP take `httpPaymentPolicy`.
 */
export const paymentPolicy = Object.freeze({
  onAbandoned: 'block',
  onFailure: 'unknown',
  ttlMs: 7 * day,
  tombstoneMs: 400 * day,
  onStoreUnavailable: 'reject',
} as const);

/** How a caller waits for the outcome of another. */
export interface WaitOptions {
  /** At most so long. */
  readonly waitMs: number;
  /** Callers that may wait at once at this store in this process. Those beyond it are refused at once. Default 1 000. */
  readonly maxWaiters?: number | undefined;
  /** The same of one scope, so that one tenant cannot take all places. Default: `maxWaiters`. */
  readonly maxWaitersPerScope?: number | undefined;
}

const waiterCount = wholeNumber('callers', 1, 1_000_000, 'For a hundred write 100.');

export interface PolicyOptions<Recover = never> {
  /** How long an owner may be silent before others may take over, renewed at a third of it. Default 30 000. */
  leaseMs?: number;
  /** When renewal ends for work that never does. Default 900 000 (15 minutes). */
  maxExecutionMs?: number;
  /** How long a recorded answer is replayed, at least `leaseMs`. Default 86 400 000 (24 hours). */
  ttlMs?: number;
  /** How long a repeat is told "done, no longer kept", from completion on, at least `ttlMs`. Default: `ttlMs`. */
  tombstoneMs?: number;
  /** How long work that nobody decided about stays undecided. Default 34 560 000 000 (400 days). */
  unknownTtlMs?: number;
  /** After a failure: free the key for a retry, or keep it as unknown until somebody decides. Default `retry`. */
  onFailure?: 'retry' | 'unknown';
  /** While another attempt runs: refuse at once, or wait for its outcome. Default `reject`. */
  onInProgress?: 'reject' | WaitOptions;
  /**
   * When an owner vanished, or its outcome is unknown: run again after its lease, refuse until somebody decides, or let this
   * function find out what happened. Default `rerun`.
   */
  onAbandoned?: 'rerun' | 'block' | Recover;
  /** When the store does not answer before the work: refuse, or run without any protection. Default `reject`. */
  onStoreUnavailable?: 'reject' | 'bypass';
}

/** The terms of the engine: a function that recovers stands beside them. */
export type Policy = Required<Omit<PolicyOptions, 'onAbandoned'>> & { readonly onAbandoned: OnAbandoned };

const waitOptionsField = z.strictObject({
  waitMs: milliseconds(1, day),
  maxWaiters: waiterCount.optional(),
  maxWaitersPerScope: waiterCount.optional(),
});

const recoverField = z.custom<(context: never) => unknown>((value) => typeof value === 'function');

/** The term options as fields of a zod object, for every schema that takes them. */
export const policyFields = {
  leaseMs: milliseconds(10, day).default(defaultPolicy.leaseMs),
  maxExecutionMs: milliseconds(10, 30 * day).default(defaultPolicy.maxExecutionMs),
  ttlMs: milliseconds(10, 4_000 * day).default(defaultPolicy.ttlMs),
  tombstoneMs: milliseconds(10, 4_000 * day).optional(),
  unknownTtlMs: milliseconds(10, 4_000 * day).default(defaultPolicy.unknownTtlMs),
  onFailure: z.enum(['retry', 'unknown']).default(defaultPolicy.onFailure),
  onInProgress: z.union([z.literal('reject'), waitOptionsField]).default(defaultPolicy.onInProgress),
  onAbandoned: z
    .union([z.enum(['rerun', 'block']), recoverField], {
      error: 'it must be "rerun", "block", or a function that finds out what happened',
    })
    .transform((chosen) => (typeof chosen === 'function' ? 'recover' : chosen))
    .default(defaultPolicy.onAbandoned),
  onStoreUnavailable: z.enum(['reject', 'bypass']).default(defaultPolicy.onStoreUnavailable),
};

/** For decisions, which lengthen what the record's own terms say. */
export const retentionFields = {
  ttlMs: policyFields.ttlMs.unwrap().optional(),
  tombstoneMs: policyFields.tombstoneMs,
};

export const storeField = z.custom<IdempotencyStore>(
  (value) => typeof value === 'object' && value !== null && 'acquire' in value && typeof value.acquire === 'function',
  { error: 'it must be a store, such as new MemoryStore() or new RedisStore({ client })' },
);

/** Fills in what depends on another option. Refuses a life that ends before the lease, and a tombstone before its answer. */
export function withDefaultTombstone<T extends { ttlMs: number; tombstoneMs?: number | undefined }>(
  options: T,
): T & { tombstoneMs: number } {
  return { ...options, tombstoneMs: options.tombstoneMs ?? options.ttlMs };
}

/** The rules between options, for `superRefine`. */
export function checkPolicy(
  options: { leaseMs: number; ttlMs?: number | undefined; tombstoneMs?: number | undefined },
  context: z.core.$RefinementCtx,
): void {
  if (options.ttlMs !== undefined && options.ttlMs < options.leaseMs) {
    const message = `it must be at least leaseMs (${options.leaseMs}): an answer that is gone before a lease ends protects nothing`;
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
