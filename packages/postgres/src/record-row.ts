// A row of PostgreSQL as a record, and back.
import { StoreError } from '@onceguard/core';
import {
  decodeRecordRow,
  encodeRecordRow,
  recordColumns,
  type SqlRow,
  type SqlValue,
  toBytes,
} from '@onceguard/core/sql';
import type { StepEntry, StoredRecord } from '@onceguard/core/store';
import { dueStepMs } from './statements.js';

/** A record as it was found, and what a swap compares. */
export interface Look {
  /** The clock of the server in the same statement. */
  readonly now: number;
  /** Null: there is none. Its steps are `unreadSteps`, if it has any. */
  readonly record: StoredRecord | null;
  /** Null: there is no row. */
  readonly row: SeenRow | null;
}

export interface SeenRow {
  readonly version: number;
  readonly ownerToken: string;
  readonly fencingToken: number;
  /** Names the steps that count; null for a record without steps. */
  readonly life: string | null;
}

export type Steps = ReadonlyMap<string, StepEntry>;

/** Stands for the steps of a record, which a look leaves in their table. Only its identity means something. */
const unreadSteps: Steps = new Map([['', { seq: 0, bytes: new Uint8Array() }]]);

const noSteps: Steps = new Map();

/** Throws a `StoreError` for a record that this version cannot read. */
export function decodeLook(row: SqlRow): Look {
  const now = decodeNow(row);
  const seen = decodeSeenRow(row);
  if (seen === null) return { now, record: null, row: null };
  return { now, record: decodeRow(row, seen.life === null ? noSteps : unreadSteps), row: seen };
}

/** Null: the statement has found no row. */
export function decodeSeenRow(row: SqlRow): SeenRow | null {
  if (row.version === null || row.version === undefined) return null;
  return {
    version: toInteger(row.version),
    ownerToken: String(row.owner_token),
    fencingToken: toInteger(row.fencing_token),
    life: typeof row.life === 'string' ? row.life : null,
  };
}

export function decodeRow(row: SqlRow, steps: Steps): StoredRecord {
  const record = decodeRecordRow(row, steps);
  return record.note === null ? record : { ...record, note: decodeNote(record.note) };
}

/** Throws where the statement ran on a read replica, whose records may be old. */
export function decodeNow(row: SqlRow): number {
  if (row.is_replica !== undefined && toInteger(row.is_replica) !== 0) throw replicaError();
  return toInteger(row.now);
}

function replicaError(): StoreError {
  const remedy = 'Give the store the address of the primary, and no client that splits reads from writes.';
  return new StoreError(
    'unavailable',
    `A statement of the store has run on a read replica, which may be behind. ${remedy}`,
  );
}

const noteAt = recordColumns.indexOf('note');

/** The values of `recordColumns`. */
export function encodeRow(record: StoredRecord): SqlValue[] {
  const values = encodeRecordRow(record);
  values[noteAt] = encodeNote(record.note);
  return values;
}

/** PostgreSQL takes no NUL in a text. */
export function encodeNote(note: string | null): string | null {
  return note === null ? null : note.replace(/[\\\0]/g, (character) => (character === '\0' ? '\\0' : '\\\\'));
}

function decodeNote(text: string): string {
  return text.replace(/\\(.)/g, (_, character: string) => (character === '0' ? '\0' : character));
}

/** When purge looks at the record first: no later than the hour after its end, or after that of its outcome. */
export function dueAt({ state, expiresAt, leaseEndAt, outcomeTtlMs, outcome, outcomeEndAt }: StoredRecord): number {
  if (state === 'in_progress') return roundUp(Math.min(expiresAt, leaseEndAt + outcomeTtlMs));
  return roundUp(outcome === null ? expiresAt : Math.min(outcomeEndAt, expiresAt));
}

function roundUp(at: number): number {
  return Math.ceil(at / dueStepMs) * dueStepMs;
}

export function decodeStep(row: SqlRow): readonly [string, StepEntry] {
  return [String(row.step), { seq: toInteger(row.seq), bytes: toBytes(row.bytes, 'bytes') }];
}

/** Drivers return 64-bit integers as numbers, strings or bigints. */
export function toInteger(value: unknown): number {
  const number = Number(value);
  if (value === null || value === undefined || value === '' || !Number.isSafeInteger(number))
    throw new StoreError('bug', 'A statement of the store returned something else than a whole number.');
  return number;
}
