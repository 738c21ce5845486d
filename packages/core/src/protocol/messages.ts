// What callers ask of a record and what they are told. Every answer carries `now`, the store's clock, in milliseconds.
import type { RecordedDecision, StepEntry } from './record.js';

/** What a caller does about work that was abandoned: run it again, refuse, or let `recover` find out what happened. */
export type OnAbandoned = 'rerun' | 'block' | 'recover';

/** How long a record and its outcome live. The record keeps the terms of its last acquisition. */
export interface RecordRetention {
  readonly recordTtlMs: number;
  /** How long the bytes of an outcome are kept, at most `recordTtlMs`. */
  readonly outcomeTtlMs: number;
  /** For guarded and unknown records, where it is longer than `recordTtlMs`. */
  readonly unknownTtlMs: number;
}

export interface AcquireRequest extends RecordRetention {
  /** The owner token: the same for every resend of this acquisition, never used for another. */
  readonly ownerToken: string;
  readonly fingerprint: string | null;
  readonly leaseMs: number;
  readonly onAbandoned: OnAbandoned;
  /** Store time after which this request must not create or change anything: a late copy of it is `superseded`. */
  readonly notAfter: number;
  /** The highest fencing token that the caller has seen for this key, 0 for none: the new one will be above it. */
  readonly lastSeenFencingToken: number;
  /** The caller waits where somebody is at work: a store that can is to tell when that ends. Decides nothing. */
  readonly notifyOnEnd?: boolean;
  /**
   * Whose record this becomes: a digest, the same for all keys of one scope; null where it is not known. A store may limit how much
   * one scope keeps. Decides nothing else.
   */
  readonly scope?: string | null;
}

/** Who releases. The fence may be null, never learnt, where an acquisition is given back as `not_started`. */
export interface LeaseIdentity extends RecordRetention {
  readonly key: string;
  readonly ownerToken: string;
  readonly fencingToken: number | null;
}

/** What an acquisition gave its owner. It proves ownership, and carries what is needed to write the record anew. */
export interface Lease extends LeaseIdentity {
  readonly fencingToken: number;
  readonly fingerprint: string | null;
  readonly attempt: number;
  readonly takeover: boolean;
  readonly recovering: boolean;
  readonly guarded: boolean;
  /** An earlier attempt set the fingerprint. */
  readonly fingerprintBound: boolean;
  /** The lease end last told, in store time. */
  readonly leaseEndAt: number;
}

/** What stands under a key, for those who may not run. */
export type Standing =
  | { readonly kind: 'key_reused'; readonly version: string }
  | { readonly kind: 'in_progress'; readonly retryAfterMs: number }
  | { readonly kind: 'retryable' }
  | { readonly kind: 'outcome_unknown'; readonly retryAfterMs: number | null; readonly note: string | null }
  | CompletedStanding
  | ExpiredStanding;

export interface CompletedStanding {
  readonly kind: 'completed';
  readonly outcome: Uint8Array;
  /** How long these bytes are still kept. */
  readonly outcomeLeftMs: number;
  readonly completedAt: number;
  readonly note: string | null;
  readonly attempt: number;
  readonly fencingToken: number;
}

/** A tombstone: already done, answer no longer kept. */
export interface ExpiredStanding {
  readonly kind: 'expired';
  readonly completedAt: number;
  readonly note: string | null;
}

export interface Acquired {
  readonly kind: 'acquired';
  readonly attempt: number;
  readonly fencingToken: number;
  readonly takeover: boolean;
  readonly recovering: boolean;
  readonly guarded: boolean;
  readonly fingerprintBound: boolean;
  readonly leaseEndAt: number;
  readonly steps: ReadonlyMap<string, StepEntry>;
}

export interface TimestampedReply {
  readonly now: number;
}

/** `superseded`: this request came too late to change anything; its token must not be used again. */
export type AcquireReply = TimestampedReply &
  (Acquired | { readonly kind: 'superseded' } | Exclude<Standing, { kind: 'retryable' }>);

export type RenewReply = TimestampedReply &
  (
    | { readonly kind: 'ok' | 'restored'; readonly leaseEndAt: number }
    | { readonly kind: 'lost' }
    | { readonly kind: 'gone' }
  );

export interface Checkpoint {
  readonly step: string;
  readonly seq: number;
  readonly bytes: Uint8Array;
}

export type CheckpointReply = TimestampedReply & { readonly kind: 'ok' | 'lost' | 'gone' };

export interface Completion {
  /** The bytes that every repeat will get; null records that the work is done without keeping an answer. */
  readonly outcome: Uint8Array | null;
  /** How long the bytes are kept, at most `recordTtlMs`. */
  readonly outcomeTtlMs: number;
  readonly note: string | null;
  /** Store time after which a record that the store lost is not written anew; the same in every repetition. */
  readonly notAfter: number;
}

export type CompleteReply = TimestampedReply &
  ({ readonly kind: 'ok' | 'restored' | 'gone' } | { readonly kind: 'lost'; readonly standing: Standing });

/**
 * `not_started` gives back an acquisition whose work never began, by token alone, since its fencing token may never
 * have been learnt: to `retryable`, or to `unknown` where it was recovering.
 *
 * `unbind`: the attempt was not processed or changed nothing, so the next one may have another payload. The record forgets
 * its fingerprint, unless it has steps or an earlier attempt set the fingerprint. Default false.
 */
export type ReleaseRequest =
  | { readonly as: 'retryable'; readonly unbindFingerprint?: boolean }
  | { readonly as: 'unknown'; readonly retryAfterMs: number | null; readonly note: string | null }
  | { readonly as: 'not_started' };

export type ReleaseReply = TimestampedReply & { readonly kind: 'ok' | 'lost' | 'gone' };

/** A decision. It lengthens the life of a record where its times are longer than the record's own, and never shortens it. */
export interface ResolveRequest extends Pick<RecordedDecision, 'as' | 'by' | 'reason'> {
  readonly expectedFencingToken: number;
  /** With `done`: the answer for repeats; null leaves a tombstone. */
  readonly outcome: Uint8Array | null;
  /** Null: the record's own. */
  readonly outcomeTtlMs: number | null;
  /** Null: the record's own. */
  readonly recordTtlMs: number | null;
  readonly note: string | null;
}

export type ResolveReply = TimestampedReply &
  ({ readonly kind: 'ok' | 'gone' } | { readonly kind: 'conflict'; readonly standing: Standing });
