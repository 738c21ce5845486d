// The model of one execution, in the order of its life: the request, the work, what to record of it, and how it ended.
import { digest } from '../digest.js';
import type { RecordRetention, ReleaseRequest } from '../protocol/messages.js';
import type { WorkDescription } from '../protocol/record.js';
import type { IdempotencyStore } from '../store/port.js';
import type { TransactionPort } from '../store/transaction-port.js';
import type { ExecutionTrace } from '../tracing-channels.js';
import type { OutcomeWriter } from './checksum.js';
import type { OperationContext } from './operation-context.js';
import type { Policy } from './policy.js';
import type { RecoverContext, Recovery } from './recovery.js';
import type { OnCallerGone } from './waiting-caller.js';

/** What to execute and under which policy. Every option has been checked. */
export interface ExecutionRequest extends WorkDescription {
  readonly store: IdempotencyStore;
  /** Whose key it is: `public`, or `of ` and the scope, for functions as for HTTP. Left out where it is not known. */
  readonly scope?: string;
  /** The caller's key, which the operation may read. */
  readonly key: string;
  /** The record's name at the store: a digest, never the key. */
  readonly recordName: string;
  readonly fingerprint: string | null;
  readonly policy: Policy;
  /** Whether an error is an outcome of the work: a step that throws it is not tried again. Left out: no error is. */
  readonly isFinalError?: (error: unknown) => boolean;
  /** Effect and record are one transaction. Left out: the work runs under a lease. */
  readonly transaction?: TransactionPort | undefined;
  /** What tracers see of this execution. Left out: nobody traces it. */
  readonly trace?: ExecutionTrace;
}

/** The digests of the scopes of the last requests. A tenant sends many requests. */
const scopeDigests = new Map<string, string>();
const maxScopeDigests = 1_000;
const maxKeptScopeLength = 200;

/** The digest by which stores limit what one tenant keeps. Null where the scope is not known, or is the one of all callers. */
export function scopeDigest({ scope }: ExecutionRequest): string | null {
  if (scope === undefined || scope === 'public') return null;
  const known = scopeDigests.get(scope);
  if (known !== undefined) return known;
  const computed = digest(['onceguard scope 1', scope]);
  if (scope.length > maxKeptScopeLength) return computed;
  if (scopeDigests.size === maxScopeDigests) scopeDigests.clear();
  scopeDigests.set(scope, computed);
  return computed;
}

/** How long the store keeps the record. A completed record lives until its tombstone ends. */
export function recordRetention({ ttlMs, tombstoneMs, unknownTtlMs }: Policy): RecordRetention {
  return { recordTtlMs: tombstoneMs, outcomeTtlMs: ttlMs, unknownTtlMs };
}

/** The operation, and how its result is recorded and decoded. The engine knows nothing else about functions and requests. */
export interface Work<T> {
  /** Runs the operation. `attempt` says afterwards what the operation reported through its context. */
  run(context: OperationContext, attempt: AttemptState): Promise<T>;
  /** Whether the operation may be called again in the same execution, after its transaction was rolled back. Default: false. */
  readonly isRepeatable?: boolean;
  /** Whether the operation may still begin. Left out: always. */
  canStart?(): boolean;
  /** Calls back when the caller no longer waits for an outcome. Left out: the caller always waits. */
  onCallerGone?: OnCallerGone;
  /** Finds out what an abandoned attempt did. Set where the policy says `recover`. */
  recover?(context: RecoverContext): Promise<Recovery<T>>;
  /** Decides what to record of a result. */
  settle(result: T): Settlement;
  /** Where the operation still works after it gave this result: resolves when it stops, and never rejects. Null: it has stopped. */
  whenStopped?(result: T): Promise<void> | null;
  /** Reads a recorded outcome as a result. */
  decode(outcome: Uint8Array): T;
}

/** What a running attempt knows about itself. */
export interface AttemptState {
  /** The operation called `markNothingHappened()`. */
  readonly nothingHappened: boolean;
}

/** What to record: the outcome, or how the key is released. */
export type Settlement =
  | {
      readonly as: 'done';
      /** What the bytes are: a response to a request, the result of a function, or an error that counts as one. */
      readonly kind: 'response' | 'result' | 'error';
      readonly outcome: Uint8Array | OutcomeWriter | null;
      /** Of a response its status, else null. */
      readonly note: string | null;
    }
  | Exclude<ReleaseRequest, { as: 'not_started' }>;

/** Work whose caller may have received another response before the work begins. */
export interface ConditionalWork<T> extends Work<T> {
  canStart(): boolean;
}

/** `canStart` said no: the operation did not run, and its key was released. */
export interface NotStarted {
  readonly kind: 'not_started';
}

/**
 * How a call ended.
 *
 * - `executed`: the operation ran in this call, or `recover` found its result.
 * - `replayed`: the outcome is that of an earlier call, from the record.
 * - `in_progress`: another attempt holds the lease.
 * - `key_reused`: the key stands for another payload.
 * - `outcome_unknown`: an earlier attempt may have taken effect, and somebody has to decide.
 * - `expired`: the work is done, and its outcome is no longer kept.
 */
export type Execution<T> =
  | {
      readonly kind: 'executed';
      readonly value: T;
      /** False: the result is real, but it is not on record, and another run may follow. */
      readonly recorded: boolean;
      /** 1 for the first attempt of this key. */
      readonly attempt: number;
    }
  | {
      readonly kind: 'replayed';
      readonly value: T;
      /** Milliseconds since 1970 on the store's clock. */
      readonly completedAt: number;
    }
  | {
      readonly kind: 'in_progress';
      /** When to try again, in milliseconds from now. */
      readonly retryAfterMs: number;
    }
  | {
      readonly kind: 'key_reused';
      /** The prefix of the recorded fingerprint: by which method it was made. */
      readonly version: string;
    }
  | {
      readonly kind: 'outcome_unknown';
      /** When a `recover` function may look again, in milliseconds from now, if it said so. */
      readonly retryAfterMs: number | null;
      /** The name by which `listDoubts` and `resolveDoubt` know the record. */
      readonly recordName: string;
    }
  | {
      readonly kind: 'expired';
      /** Milliseconds since 1970 on the store's clock. */
      readonly completedAt: number;
      /** What was recorded besides the outcome: of a request the status of its response, else null. */
      readonly note: string | null;
    };
