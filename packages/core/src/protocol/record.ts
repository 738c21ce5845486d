// The record that a store keeps under a key. Each store has its own encoding of it; only tools for people read it otherwise.

/** The layout that this version writes. A store rejects a record of another layout with a `misconfigured` error. */
export const recordLayout = 3;

/**
 * The states of a record:
 * - `in_progress`: an owner holds, or held, the lease. After the end of the lease the record counts as abandoned. That is only a view
 *   and is not written, so an owner that was paused can still complete.
 * - `retryable`: the last attempt ended without an outcome. The next caller runs.
 * - `unknown`: the last attempt may have taken effect. Nobody runs without a decision.
 * - `completed`: the record has an outcome, or had one and is now a tombstone.
 * - `removed`: an operator removed the record. Only its fencing token is left, for `restoreWindowMs`.
 */
export type RecordState = 'in_progress' | 'retryable' | 'unknown' | 'completed' | 'removed';

/**
 * One recorded step of the work. The first bytes written under a `seq` are kept; a higher `seq` replaces them. An odd `seq` is an
 * intent: the step was about to run. An even `seq` is the result of the step.
 */
export interface StepEntry {
  readonly seq: number;
  readonly bytes: Uint8Array;
}

/** Whether the entry is an intent: the step was about to run, and no result is known. */
export function isIntent({ seq }: StepEntry): boolean {
  return seq % 2 === 1;
}

/** A decision about an unknown outcome: who made it, when, why, and for which fencing token. */
export interface RecordedDecision {
  /** The fencing token of the record before the decision, which raised it. */
  readonly fencingToken: number;
  readonly as: 'done' | 'not_done';
  readonly by: string;
  readonly reason: string;
  /** In milliseconds of the store's clock. */
  readonly at: number;
}

/** How many of its decisions a record keeps: the last ones. */
export const maxDecisions = 5;

/** What the application says about the work. It is for people and tools, and decides nothing. */
export interface WorkDescription {
  /** The kind of work, such as `POST /payments` or `create-payment`. A template: never a path with ids in it. */
  readonly operation: string;
  /** What the application calls this work, such as the number of an order; null for none. */
  readonly label: string | null;
  /** The trace of the attempt, as a W3C `traceparent`; null for none. */
  readonly traceparent: string | null;
}

/** Facts that are fixed when an attempt acquires its lease. The record, the lease and the `acquired` reply all carry them. */
export interface AttemptFacts extends WorkDescription {
  /** Grows with every acquisition that may execute. */
  readonly fencingToken: number;
  /** 1 for the first execution of the key; each later attempt adds 1. */
  readonly attempt: number;
  /** This attempt follows one that was abandoned or whose outcome is unknown. */
  readonly takeover: boolean;
  /** This attempt may run only to find out what an earlier one did. */
  readonly recovering: boolean;
  /** If this attempt is abandoned, nobody may run again without a decision. */
  readonly guarded: boolean;
  /** An earlier attempt set the record's fingerprint, so this one cannot remove it. */
  readonly fingerprintBound: boolean;
  /** When the first attempt acquired its lease, in milliseconds of the store's clock. */
  readonly firstAcquiredAt: number;
  /** When this attempt acquired its lease. A resend of the acquisition does not change it. */
  readonly acquiredAt: number;
}

/** The facts of an attempt alone, of whatever has them. */
export function attemptFacts(of: AttemptFacts): AttemptFacts {
  return {
    fencingToken: of.fencingToken,
    attempt: of.attempt,
    takeover: of.takeover,
    recovering: of.recovering,
    guarded: of.guarded,
    fingerprintBound: of.fingerprintBound,
    operation: of.operation,
    label: of.label,
    traceparent: of.traceparent,
    firstAcquiredAt: of.firstAcquiredAt,
    acquiredAt: of.acquiredAt,
  };
}

/** All times (`…At`) are milliseconds of the store's clock. */
export interface StoredRecord extends AttemptFacts {
  readonly layout: number;
  readonly state: RecordState;
  /** `version:digest` of the request, or null where payloads are not compared. */
  readonly fingerprint: string | null;
  /** The owner token of the last acquisition. */
  readonly ownerToken: string;
  /** The lease is alive while now < leaseEndAt. In every state but `in_progress` there is no lease, and both are 0. */
  readonly leaseEndAt: number;
  readonly leaseMs: number;
  /** The retention of the last acquisition: these three. */
  readonly recordTtlMs: number;
  readonly outcomeTtlMs: number;
  readonly unknownTtlMs: number;
  readonly steps: ReadonlyMap<string, StepEntry>;
  readonly note: string | null;
  /** From when on a caller with `recover` may acquire a record whose outcome is unknown; null: at once. */
  readonly retryAt: number | null;
  /** The last decisions of people and programs, oldest first. They stay through later attempts and completion. */
  readonly decisions: readonly RecordedDecision[];
  /** The record is gone when now ≥ expiresAt. */
  readonly expiresAt: number;
  readonly completedAt: number | null;
  /** A completed record is a tombstone if this is null or now ≥ outcomeEndAt. Empty bytes are an outcome. */
  readonly outcome: Uint8Array | null;
  readonly outcomeEndAt: number;
}

/** The initial value of every field of a record. */
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
  operation: '',
  label: null,
  traceparent: null,
  firstAcquiredAt: 0,
  acquiredAt: 0,
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
 * How long after the end of its lease an owner may restore a record that the store lost. A removed record, and a retryable one without
 * steps, only have to outlast such late messages, so they live no longer than this.
 */
export const restoreWindowMs = 3_600_000;

/** Whether the record exists and has not expired. */
export function isLive(record: StoredRecord | null, now: number): record is StoredRecord {
  return record !== null && now < record.expiresAt;
}
