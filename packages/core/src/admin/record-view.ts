// A record as plain data for people: its state in the words of outcomes, its times as dates, its bytes decoded.
import { verifyOutcome, verifySteps } from '../engine/checksum.js';
import { deriveKeyFromRecordName } from '../engine/derived-key.js';
import { decodeStepResult, hasResult } from '../engine/step-codec.js';
import { functionFingerprintPrefix } from '../functions/payload-fingerprint.js';
import { decodeResult } from '../functions/result-codec.js';
import { type DecodedResponse, decodeResponse } from '../http/decoded-response.js';
import { isInDoubt } from '../protocol/doubt.js';
import { isIntent, type RecordedDecision, type StoredRecord } from '../protocol/record.js';

/**
 * What a repeat of the work would meet.
 *
 * - `in_progress`: an attempt holds the lease.
 * - `outcome_unknown`: the work may have taken effect, and somebody has to decide.
 * - `abandoned`: the owner vanished. The next caller runs the work again.
 * - `retryable`: the last attempt left no outcome. The next caller runs.
 * - `completed`: the work is done. A repeat gets the outcome.
 * - `expired`: the work is done. Its outcome is no longer kept.
 * - `removed`: somebody removed the record. The next caller runs.
 */
export type RecordViewState =
  | 'in_progress'
  | 'outcome_unknown'
  | 'abandoned'
  | 'retryable'
  | 'completed'
  | 'expired'
  | 'removed';

/** A step of the work. `key` is what `context.key` was, by which the other system knows the step. */
export interface StepView {
  readonly name: string;
  readonly key: string;
  /** `in_doubt`: it began, and its end is not known. `not_done`: somebody found out that it did not happen. */
  readonly state: 'done' | 'in_doubt' | 'not_done' | 'unreadable';
  /** The recorded result of a step that is done, else undefined. */
  readonly result: unknown;
}

/** The outcome of completed work. `unreadable`: the bytes are damaged, or of a newer version; `reason` says so. */
export type OutcomeView =
  | { readonly kind: 'response'; readonly response: DecodedResponse }
  | { readonly kind: 'result'; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: Error }
  | { readonly kind: 'unreadable'; readonly reason: string };

export interface DecisionView extends Omit<RecordedDecision, 'at'> {
  readonly at: Date;
}

/** All times are those of the store's clock. */
export interface RecordView {
  readonly recordName: string;
  readonly state: RecordViewState;
  /** Whose outcome it has or will have: of a request or of a function. Null: the record does not say. */
  readonly kind: 'request' | 'function' | null;
  /** What kind of work it is, such as `POST /payments`. Empty for a record that was removed. */
  readonly operation: string;
  /** What the application calls this work; null for none. */
  readonly label: string | null;
  /** The trace of the attempt that executed, as a W3C `traceparent`; null for none. */
  readonly traceparent: string | null;
  readonly attempt: number;
  readonly fencingToken: number;
  /** If the attempt is abandoned, nobody may run again without a decision. */
  readonly guarded: boolean;
  /** When the record was read. */
  readonly readAt: Date;
  /** When the first attempt began; null for a record that was removed. */
  readonly firstAcquiredAt: Date | null;
  /** When the last attempt began; null for a record that was removed. */
  readonly acquiredAt: Date | null;
  /** When the lease ends, or ended; null where no attempt is in progress. */
  readonly leaseEndAt: Date | null;
  readonly completedAt: Date | null;
  /** When `recover` may be called again; null: at once, or not at all. */
  readonly retryAt: Date | null;
  /** Until when repeats get the outcome; null where there is none. */
  readonly outcomeExpiresAt: Date | null;
  /** Until when the record is kept. */
  readonly expiresAt: Date;
  /** The policy of the last attempt, in milliseconds. */
  readonly ttlMs: number;
  readonly tombstoneMs: number;
  readonly unknownTtlMs: number;
  readonly steps: readonly StepView[];
  /** Null where the work is not completed, or where its outcome is no longer kept. */
  readonly outcome: OutcomeView | null;
  /** What was recorded besides the outcome: of a request the status of its response; null for nothing. */
  readonly note: string | null;
  /** The last five decisions about this work, oldest first. */
  readonly decisions: readonly DecisionView[];
}

/** Nothing in the record makes it throw: what cannot be read is shown as `unreadable`. */
export function toRecordView(recordName: string, record: StoredRecord, now: number): RecordView {
  const state = viewState(record, now);
  const { operation, label, traceparent, attempt, fencingToken, guarded, note } = record;
  const isTimed = record.state !== 'removed';
  return {
    recordName,
    state,
    kind: viewKind(record),
    operation,
    label,
    traceparent,
    attempt,
    fencingToken,
    guarded,
    readAt: new Date(now),
    firstAcquiredAt: isTimed ? new Date(record.firstAcquiredAt) : null,
    acquiredAt: isTimed ? new Date(record.acquiredAt) : null,
    leaseEndAt: record.state === 'in_progress' ? new Date(record.leaseEndAt) : null,
    completedAt: dateOrNull(record.completedAt),
    retryAt: dateOrNull(record.retryAt),
    outcomeExpiresAt: state === 'completed' ? new Date(Math.min(record.outcomeEndAt, record.expiresAt)) : null,
    expiresAt: new Date(record.expiresAt),
    ttlMs: record.outcomeTtlMs,
    tombstoneMs: record.recordTtlMs,
    unknownTtlMs: record.unknownTtlMs,
    steps: viewSteps(recordName, record),
    outcome: state === 'completed' ? viewOutcome(recordName, record) : null,
    note,
    decisions: record.decisions.map((decision) => ({ ...decision, at: new Date(decision.at) })),
  };
}

function viewState(record: StoredRecord, now: number): RecordViewState {
  switch (record.state) {
    case 'in_progress':
      if (now < record.leaseEndAt) return 'in_progress';
      return isInDoubt(record, now) ? 'outcome_unknown' : 'abandoned';
    case 'unknown':
      return 'outcome_unknown';
    case 'completed':
      return record.outcome !== null && now < record.outcomeEndAt ? 'completed' : 'expired';
    default:
      return record.state;
  }
}

/** The fingerprint says it. Work that compares no payload has none. */
function viewKind({ fingerprint }: StoredRecord): RecordView['kind'] {
  if (fingerprint === null) return null;
  return fingerprint.startsWith(functionFingerprintPrefix) ? 'function' : 'request';
}

function dateOrNull(at: number | null): Date | null {
  return at === null ? null : new Date(at);
}

function viewSteps(recordName: string, { steps }: StoredRecord): StepView[] {
  return [...steps].map(([name, entry]) => {
    const step = { name, key: deriveKeyFromRecordName(recordName, name), result: undefined };
    try {
      const verified = verifySteps(recordName, new Map([[name, entry]])).get(name);
      if (isIntent(entry)) return { ...step, state: 'in_doubt' };
      if (!hasResult(verified)) return { ...step, state: 'not_done' };
      return { ...step, state: 'done', result: decodeStepResult(name, verified.bytes) };
    } catch {
      return { ...step, state: isIntent(entry) ? 'in_doubt' : 'unreadable' };
    }
  });
}

/** A record that does not say whose outcome it has: the first byte of the outcome says so. */
function viewOutcome(recordName: string, record: StoredRecord): OutcomeView {
  try {
    const bytes = verifyOutcome(recordName, record.outcome ?? new Uint8Array());
    const kind = viewKind(record);
    const isOfFunction = kind === null ? !mayBeResponse(bytes) : kind === 'function';
    return isOfFunction ? decodeResult(bytes) : { kind: 'response', response: decodeResponse(bytes) };
  } catch (error) {
    return { kind: 'unreadable', reason: error instanceof Error ? error.message : String(error) };
  }
}

function mayBeResponse(bytes: Uint8Array): boolean {
  try {
    decodeResponse(bytes);
    return true;
  } catch {
    return false;
  }
}
