// What one execution is to do and under which terms, after every option has been checked.
import { digest } from '../digest.js';
import type { RecordRetention, ReleaseRequest } from '../protocol/messages.js';
import type { IdempotencyStore } from '../store/port.js';
import type { OutcomeWriter } from './checksum.js';
import type { OperationContext } from './operation-context.js';
import type { Policy } from './policy.js';
import type { RecoverContext, Recovery } from './recovery.js';
import type { OnCallerGone } from './waiting-caller.js';

export interface ExecutionRequest {
  readonly store: IdempotencyStore;
  /** Whose key it is: `public`, or `of ` and the scope, for functions as for HTTP. Left out where that is not known. */
  readonly scope?: string;
  /** The caller's key, for the operation to see. */
  readonly key: string;
  /** What the record is called at the store: a digest, never the key. */
  readonly recordName: string;
  readonly fingerprint: string | null;
  readonly policy: Policy;
}

/** The digest by which stores limit what one tenant keeps; null where the scope is not known, or is the one of all callers. */
export function scopeDigest({ scope }: ExecutionRequest): string | null {
  return scope === undefined || scope === 'public' ? null : digest(['onceguard scope 1', scope]);
}

/** How long the record lives: a completed one until its tombstone is over. */
export function recordRetention({ ttlMs, tombstoneMs, unknownTtlMs }: Policy): RecordRetention {
  return { recordTtlMs: tombstoneMs, outcomeTtlMs: ttlMs, unknownTtlMs };
}

/** The operation, and how its result becomes bytes and is read again. The engine knows no more of it. */
export interface Work<T> {
  /** Runs the operation. `attempt` says afterwards what the operation reported through its context. */
  run(context: OperationContext, attempt: AttemptState): Promise<T>;
  /** Whether the operation may still begin. Left out: always. */
  canStart?(): boolean;
  /** Calls back when nobody waits for the answer any more; the result ends that. Left out: somebody always does. */
  onCallerGone?: OnCallerGone;
  /** Finds out what an abandoned attempt did. Only where the terms say `recover`. */
  recover?(context: RecoverContext): Promise<Recovery<T>>;
  /** What is to be recorded of a result. */
  settle(result: T): Settlement;
  /** Where the operation still works although it has given this result: resolves when it stops. Never rejects. */
  whenStopped?(result: T): Promise<void> | null;
  /** A recorded outcome, as a result. */
  decode(outcome: Uint8Array): T;
}

/** What a running attempt knows about itself. */
export interface AttemptState {
  /** The operation called `markNothingHappened()`. */
  readonly nothingHappened: boolean;
}

export type Settlement =
  | { readonly as: 'done'; readonly outcome: Uint8Array | OutcomeWriter | null; readonly note: string | null }
  | Exclude<ReleaseRequest, { as: 'not_started' }>;

/** Work for a caller who may have been answered otherwise before it begins. */
export interface ConditionalWork<T> extends Work<T> {
  canStart(): boolean;
}

/** The operation could not begin any more (`ConditionalWork`): it did not run, and its key was given back. */
export interface NotStarted {
  readonly kind: 'not_started';
}

/** What became of a call. `executed`: the operation ran, or `recover` told its result. */
export type Execution<T> =
  | {
      readonly kind: 'executed';
      readonly value: T;
      /** False: the result is real but not on record, and another run may follow. */
      readonly recorded: boolean;
      readonly attempt: number;
    }
  | { readonly kind: 'replayed'; readonly value: T; readonly completedAt: number }
  | { readonly kind: 'in_progress'; readonly retryAfterMs: number }
  | {
      readonly kind: 'key_reused';
      /** The part of the recorded fingerprint before the colon: how it was made. */
      readonly version: string;
    }
  | {
      readonly kind: 'outcome_unknown';
      readonly retryAfterMs: number | null;
      /** What `listDoubts` and `resolve` know the record by. */
      readonly recordName: string;
    }
  | { readonly kind: 'expired'; readonly completedAt: number; readonly note: string | null };
