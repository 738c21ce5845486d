// The requests and replies of the protocol. Every reply carries `now`, the store's clock, in milliseconds.
import type { AttemptFacts, RecordedDecision, StepEntry, WorkDescription } from './record.js';

/** What happens to abandoned work: it runs again, it is blocked, or a `recover` function finds out what happened. */
export type OnAbandoned = 'rerun' | 'block' | 'recover';

/** How long a record and its outcome are kept. The record keeps the retention of its last acquisition. */
export interface RecordRetention {
  /** How long a completed record is kept. Other records are kept this long after the end of their lease. */
  readonly recordTtlMs: number;
  /** How long the bytes of an outcome are kept, at most `recordTtlMs`. */
  readonly outcomeTtlMs: number;
  /** How long guarded and unknown records are kept, if that is longer than `recordTtlMs`. */
  readonly unknownTtlMs: number;
}

export interface AcquireRequest extends RecordRetention, WorkDescription {
  /** The same in every resend of this acquisition, and never used for another one. */
  readonly ownerToken: string;
  /** `version:digest` of the payload; null compares nothing. */
  readonly fingerprint: string | null;
  readonly leaseMs: number;
  readonly onAbandoned: OnAbandoned;
  /** Store time after which this request must not create or change anything. A copy that arrives later is `superseded`. */
  readonly notAfter: number;
  /** The highest fencing token that the caller has seen for this key; 0 for none. The new token will be higher. */
  readonly lastSeenFencingToken: number;
  /**
   * The caller will wait if an attempt is running. A store that implements `onAttemptEnded` then notifies its listeners when the attempt
   * ends. It has no other effect. Default: false.
   */
  readonly notifyOnEnd?: boolean;
  /**
   * A digest of the scope that the key belongs to; null if it is not known. A store may limit how much it keeps for one scope. It has no
   * other effect.
   */
  readonly scope?: string | null;
}

/** Identifies the lease that is released. */
export interface LeaseIdentity extends RecordRetention {
  readonly key: string;
  readonly ownerToken: string;
  /** Null if the caller never received it. Only a release as `not_started` works without it. */
  readonly fencingToken: number | null;
}

/** What the owner holds after an acquisition. It proves ownership, and has all facts that restore a record which the store lost. */
export interface Lease extends LeaseIdentity, AttemptFacts {
  readonly fencingToken: number;
  readonly fingerprint: string | null;
  /** The end of the lease in store time, as of the last reply. */
  readonly leaseEndAt: number;
}

/** The state of a key as a caller sees it that may not run. */
export type Standing =
  /** The record belongs to another payload. `version` is the version of the stored fingerprint. */
  | { readonly kind: 'key_reused'; readonly version: string }
  | { readonly kind: 'in_progress'; readonly retryAfterMs: number }
  | { readonly kind: 'retryable' }
  /** `retryAfterMs`: how long until a caller with `recover` may acquire; null if no time was given. */
  | { readonly kind: 'outcome_unknown'; readonly retryAfterMs: number | null; readonly note: string | null }
  | CompletedStanding
  | ExpiredStanding;

export interface CompletedStanding {
  readonly kind: 'completed';
  readonly outcome: Uint8Array;
  /** How long the store still keeps these bytes. */
  readonly outcomeLeftMs: number;
  readonly completedAt: number;
  readonly note: string | null;
  readonly attempt: number;
  readonly fencingToken: number;
  /** The trace of the attempt that left the outcome, to which the trace of a replay can link. */
  readonly traceparent: string | null;
}

/** A tombstone: the work is done, but its outcome is no longer kept. */
export interface ExpiredStanding {
  readonly kind: 'expired';
  readonly completedAt: number;
  readonly note: string | null;
}

/** The caller may run, until `leaseEndAt` in store time. */
export interface Acquired extends AttemptFacts {
  readonly kind: 'acquired';
  readonly leaseEndAt: number;
  /** What earlier attempts recorded. */
  readonly steps: ReadonlyMap<string, StepEntry>;
}

/** A reply with the store's time, in milliseconds since 1970. */
export interface TimestampedReply {
  readonly now: number;
}

/** `superseded`: this request came too late to change anything. Its owner token must not be used again. */
export type AcquireReply = TimestampedReply &
  (Acquired | { readonly kind: 'superseded' } | Exclude<Standing, { kind: 'retryable' }>);

/**
 * `lost`: the record exists and does not belong to this lease. `gone`: the store lost the record, or it expired. `restored`: the store
 * had lost the record, and this call wrote it again. The replies of the other operations of an owner use the same words.
 */
export type RenewReply = TimestampedReply &
  (
    | { readonly kind: 'ok' | 'restored'; readonly leaseEndAt: number }
    | { readonly kind: 'lost' }
    | { readonly kind: 'gone' }
  );

/** What an owner records about one step. */
export interface Checkpoint {
  readonly step: string;
  /** Odd: the step is about to run. Even: the bytes are its result. A higher `seq` replaces a lower one. */
  readonly seq: number;
  readonly bytes: Uint8Array;
}

export type CheckpointReply = TimestampedReply & { readonly kind: 'ok' | 'lost' | 'gone' };

/** What an owner records at the end of its work. */
export interface Completion {
  /** The bytes that every repeat gets. Null records only that the work is done. */
  readonly outcome: Uint8Array | null;
  /** How long the store keeps the bytes, at most `recordTtlMs`. */
  readonly outcomeTtlMs: number;
  readonly note: string | null;
  /** Store time after which this call does not restore a record that the store lost. It is the same in every repetition. */
  readonly notAfter: number;
}

export type CompleteReply = TimestampedReply &
  ({ readonly kind: 'ok' | 'restored' | 'gone' } | { readonly kind: 'lost'; readonly standing: Standing });

/**
 * How an attempt ends without an outcome.
 * - `retryable`: the next caller runs. With `unbindFingerprint` (default false) the next attempt may have another payload, because this
 *   one was not processed or changed nothing. The record then forgets its fingerprint, unless it has steps or an earlier attempt set the
 *   fingerprint.
 * - `unknown`: the work may have taken effect. `retryAfterMs` is when a caller with `recover` may acquire; null: at once.
 * - `not_started`: the work never began. The owner token alone identifies the lease, because the caller may never have received the
 *   fencing token. The record becomes `retryable`, or `unknown` if the attempt was recovering.
 */
export type ReleaseRequest =
  | { readonly as: 'retryable'; readonly unbindFingerprint?: boolean }
  | { readonly as: 'unknown'; readonly retryAfterMs: number | null; readonly note: string | null }
  | { readonly as: 'not_started' };

export type ReleaseReply = TimestampedReply & { readonly kind: 'ok' | 'lost' | 'gone' };

/** A decision about an unknown outcome. Its times count where they are longer than those of the record; they never shorten them. */
export interface ResolveRequest extends Pick<RecordedDecision, 'as' | 'by' | 'reason'> {
  /** The decision is about the attempt with this token. With another one the reply is `conflict`. */
  readonly expectedFencingToken: number;
  /** With `done`: the outcome that repeats get; null leaves a tombstone. */
  readonly outcome: Uint8Array | null;
  /** Null: that of the record. */
  readonly outcomeTtlMs: number | null;
  /** Null: that of the record. */
  readonly recordTtlMs: number | null;
  readonly note: string | null;
}

/** `conflict`: the decision does not apply to the record in its present state. */
export type ResolveReply = TimestampedReply &
  ({ readonly kind: 'ok' | 'gone' } | { readonly kind: 'conflict'; readonly standing: Standing });
