// What a store keeps under a key: one record, a ledger entry. Stores translate this shape; nothing above them sees it.

/** The layout that this version writes. A record of another layout is refused (`misconfigured`), never guessed at. */
export const recordLayout = 2;

/**
 * `in_progress`: somebody holds, or held, the lease. Once the lease is over the record reads as abandoned; that is a
 * view and is not written, so an owner that only paused can still complete.
 * `retryable`: the last attempt ended without an outcome; the next caller runs.
 * `unknown`: the last attempt may have taken effect; nobody runs without a decision.
 * `completed`: there is an outcome, or there was one (tombstone).
 * `removed`: an operator removed the record; only its fencing token is left, for `restoreTtlMs`.
 */
export type RecordState = 'in_progress' | 'retryable' | 'unknown' | 'completed' | 'removed';

/**
 * One recorded part of the work. Of the bytes written under one `seq` the first stand; a higher `seq` replaces them. An odd
 * `seq` says that the step was about to run, an even one what became of it.
 */
export interface StepEntry {
  readonly seq: number;
  readonly bytes: Uint8Array;
}

/** A step that was about to run, and nothing more is known of it. */
export function isIntent({ seq }: StepEntry): boolean {
  return seq % 2 === 1;
}

/** Who decided about an unknown outcome, from which fencing token, when, and why. */
export interface RecordedDecision {
  /** The fencing token of the record before the decision, which raised it. */
  readonly fencingToken: number;
  readonly as: 'done' | 'not_done';
  readonly by: string;
  readonly reason: string;
  /** In milliseconds of the store's clock. */
  readonly at: number;
}

/** A record keeps its last decisions, so many at most. */
export const maxDecisions = 5;

/** All times (`…At`) are milliseconds of the store's clock. */
export interface StoredRecord {
  readonly layout: number;
  readonly state: RecordState;
  /** `version:digest` of the request, or null where payloads are not compared. */
  readonly fingerprint: string | null;
  /** The owner token of the last acquisition. */
  readonly ownerToken: string;
  /** The fencing token: grows with every acquisition that executes. */
  readonly fencingToken: number;
  readonly attempt: number;
  /** The lease is alive while now < leaseEndAt. Without a lease, in every state but in_progress, both are 0. */
  readonly leaseEndAt: number;
  readonly leaseMs: number;
  /** This attempt follows one that was abandoned. */
  readonly takeover: boolean;
  /** This attempt was let in to find out what an earlier one did. */
  readonly recovering: boolean;
  /** Not to be run again without a decision. */
  readonly guarded: boolean;
  /** An earlier attempt set the fingerprint, so this one cannot remove it. */
  readonly fingerprintBound: boolean;
  /** The terms of the last acquisition. */
  readonly recordTtlMs: number;
  readonly outcomeTtlMs: number;
  readonly unknownTtlMs: number;
  readonly steps: ReadonlyMap<string, StepEntry>;
  readonly note: string | null;
  /** When a `recover` caller may look again at an unknown outcome; null: at once. */
  readonly retryAt: number | null;
  /** The last decisions of people and programs, oldest first. Attempts and completion keep them. */
  readonly decisions: readonly RecordedDecision[];
  /** The record is gone when now ≥ expiresAt. */
  readonly expiresAt: number;
  readonly completedAt: number | null;
  /** A tombstone when null or when now ≥ outcomeEndAt. Empty bytes are an outcome. */
  readonly outcome: Uint8Array | null;
  readonly outcomeEndAt: number;
}

/** A record of which nothing is known yet; what is written is said on top of it. */
export const blankRecord: StoredRecord = Object.freeze({
  layout: recordLayout,
  state: 'in_progress',
  fingerprint: null,
  ownerToken: '',
  fencingToken: 0,
  attempt: 0,
  leaseEndAt: 0,
  leaseMs: 0,
  takeover: false,
  recovering: false,
  guarded: false,
  fingerprintBound: false,
  recordTtlMs: 0,
  outcomeTtlMs: 0,
  unknownTtlMs: 0,
  steps: new Map(),
  note: null,
  retryAt: null,
  decisions: Object.freeze([]),
  expiresAt: 0,
  completedAt: null,
  outcome: null,
  outcomeEndAt: 0,
});

/**
 * An owner may write a record that the store lost anew until this long after the end of its lease. A record that only has to
 * outlast such late messages, a removed one or a free one without steps, lives no longer.
 */
export const restoreWindowMs = 3_600_000;

/** Whether a record still counts at `now`. */
export function isLive(record: StoredRecord | null, now: number): record is StoredRecord {
  return record !== null && now < record.expiresAt;
}
