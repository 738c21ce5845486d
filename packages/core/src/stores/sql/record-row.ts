// A record as a row of a table, the same in every SQL database. Numbers and times are integers. Steps have a table of their own.
import { StoreError } from '../../errors.js';
import {
  blankRecord,
  type RecordedDecision,
  type RecordState,
  recordLayout,
  type StepEntry,
  type StoredRecord,
} from '../../protocol/record.js';

export type SqlValue = string | number | Uint8Array | null;

/** A row as a driver returns it. Drivers return 64-bit integers as numbers, strings or bigints. */
export type SqlRow = Readonly<Record<string, unknown>>;

/** The columns of a record without its key and steps, in the order of `encodeRecordRow`. */
export const recordColumns = [
  'layout',
  'state',
  'fingerprint',
  'owner_token',
  'fencing_token',
  'attempt',
  'flags',
  'lease_end_at',
  'lease_ms',
  'operation',
  'label',
  'traceparent',
  'first_acquired_at',
  'acquired_at',
  'record_ttl_ms',
  'outcome_ttl_ms',
  'unknown_ttl_ms',
  'note',
  'retry_at',
  'decisions',
  'expires_at',
  'completed_at',
  'outcome',
  'outcome_end_at',
] as const;

export type RecordRow = readonly SqlValue[];

/** The bits of the column `flags`. */
const flagBits = { takeover: 1, recovering: 2, guarded: 4, fingerprintBound: 8 } as const;

/** The values of `recordColumns`. */
export function encodeRecordRow(record: StoredRecord): SqlValue[] {
  const { layout, state, fingerprint, ownerToken, fencingToken, attempt, leaseEndAt, leaseMs } = record;
  const { operation, label, traceparent, firstAcquiredAt, acquiredAt } = record;
  const { recordTtlMs, outcomeTtlMs, unknownTtlMs, note, retryAt, decisions } = record;
  const { expiresAt, completedAt, outcome, outcomeEndAt } = record;
  return [
    ...[layout, state, fingerprint, ownerToken, fencingToken, attempt, encodeFlags(record), leaseEndAt, leaseMs],
    ...[operation, label, traceparent, firstAcquiredAt, acquiredAt],
    ...[recordTtlMs, outcomeTtlMs, unknownTtlMs, note, retryAt, encodeDecisions(decisions)],
    ...[expiresAt, completedAt, outcome, outcomeEndAt],
  ];
}

/** Throws a `StoreError` for a row that this version cannot read. */
export function decodeRecordRow(row: SqlRow, steps: ReadonlyMap<string, StepEntry>): StoredRecord {
  const layout = toNumber(row, 'layout');
  if (layout !== recordLayout) throw newerLayoutError(layout);
  return {
    layout,
    state: toState(row),
    fingerprint: toTextOrNull(row, 'fingerprint'),
    ownerToken: toText(row, 'owner_token'),
    fencingToken: toNumber(row, 'fencing_token'),
    attempt: toNumber(row, 'attempt'),
    ...decodeFlags(toNumber(row, 'flags')),
    leaseEndAt: toNumber(row, 'lease_end_at'),
    leaseMs: toNumber(row, 'lease_ms'),
    operation: toText(row, 'operation'),
    label: toTextOrNull(row, 'label'),
    traceparent: toTextOrNull(row, 'traceparent'),
    firstAcquiredAt: toNumber(row, 'first_acquired_at'),
    acquiredAt: toNumber(row, 'acquired_at'),
    recordTtlMs: toNumber(row, 'record_ttl_ms'),
    outcomeTtlMs: toNumber(row, 'outcome_ttl_ms'),
    unknownTtlMs: toNumber(row, 'unknown_ttl_ms'),
    steps: steps.size === 0 ? blankRecord.steps : steps,
    note: toTextOrNull(row, 'note'),
    retryAt: toNumberOrNull(row, 'retry_at'),
    decisions: decodeDecisions(toTextOrNull(row, 'decisions')),
    expiresAt: toNumber(row, 'expires_at'),
    completedAt: toNumberOrNull(row, 'completed_at'),
    outcome: toBytesOrNull(row, 'outcome'),
    outcomeEndAt: toNumber(row, 'outcome_end_at'),
  };
}

type Flags = Pick<StoredRecord, keyof typeof flagBits>;

function encodeFlags({ takeover, recovering, guarded, fingerprintBound }: Flags): number {
  const bit = (isSet: boolean, value: number): number => (isSet ? value : 0);
  return (
    bit(takeover, flagBits.takeover) +
    bit(recovering, flagBits.recovering) +
    bit(guarded, flagBits.guarded) +
    bit(fingerprintBound, flagBits.fingerprintBound)
  );
}

function decodeFlags(flags: number): Flags {
  const isSet = (bit: number): boolean => (flags & bit) !== 0;
  return {
    takeover: isSet(flagBits.takeover),
    recovering: isSet(flagBits.recovering),
    guarded: isSet(flagBits.guarded),
    fingerprintBound: isSet(flagBits.fingerprintBound),
  };
}

function encodeDecisions(decisions: readonly RecordedDecision[]): string | null {
  if (decisions.length === 0) return null;
  return JSON.stringify(decisions.map(({ fencingToken, as, by, reason, at }) => [fencingToken, as, by, reason, at]));
}

function decodeDecisions(json: string | null): readonly RecordedDecision[] {
  if (json === null) return blankRecord.decisions;
  return (parseJson(json) as [number, RecordedDecision['as'], string, string, number][]).map(
    ([fencingToken, as, by, reason, at]) => ({ fencingToken, as, by, reason, at }),
  );
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw damagedError('decisions');
  }
}

const hexBytesPattern = /^\\x(?:[0-9a-f]{2})*$/;

const states: ReadonlySet<unknown> = new Set<RecordState>([
  'in_progress',
  'retryable',
  'unknown',
  'completed',
  'removed',
]);

function toState(row: SqlRow): RecordState {
  if (!states.has(row.state)) throw damagedError('state');
  return row.state as RecordState;
}

type Column = (typeof recordColumns)[number];

function toNumber(row: SqlRow, column: Column): number {
  const value = row[column];
  const number = Number(value);
  if (value === null || value === '' || !Number.isSafeInteger(number) || number < 0) throw damagedError(column);
  return number;
}

function toNumberOrNull(row: SqlRow, column: Column): number | null {
  return row[column] === null ? null : toNumber(row, column);
}

function toText(row: SqlRow, column: Column): string {
  const value = row[column];
  if (typeof value !== 'string') throw damagedError(column);
  return value;
}

function toTextOrNull(row: SqlRow, column: Column): string | null {
  return row[column] === null ? null : toText(row, column);
}

function toBytesOrNull(row: SqlRow, column: Column): Uint8Array | null {
  return row[column] === null ? null : toBytes(row[column], column);
}

/**
 * Bytes as drivers return them: an array, a buffer, or the text of PostgreSQL, which is `\x` and hexadecimal digits. Throws a
 * `StoreError` that names the column for anything else.
 */
export function toBytes(value: unknown, column: string): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (typeof value === 'string' && hexBytesPattern.test(value)) return Buffer.from(value.slice(2), 'hex');
  throw damagedError(column);
}

function newerLayoutError(layout: number): StoreError {
  const problem = `A record has layout ${layout}, and this version of onceguard reads layout ${recordLayout}.`;
  return new StoreError('misconfigured', `${problem} Update onceguard.`, { unreadable: true });
}

function damagedError(column: string): StoreError {
  const remedy = 'Something else has changed the table. Remove the record, or restore a backup.';
  return new StoreError('damaged', `The column ${column} of a record has no valid value. ${remedy}`);
}
