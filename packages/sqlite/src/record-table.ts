// The records as rows. Every method runs within the transaction of its caller.
import { StoreError } from '@onceguard/core';
import {
  decodeRecordRow,
  encodeRecordRow,
  type KeyedRecord,
  recordColumns,
  type SqlRow,
  toBytes,
} from '@onceguard/core/sql';
import { idempotencyProtocol as protocol, type StepEntry, type StoredRecord } from '@onceguard/core/store';
import { allRows, firstRow, type SqliteDatabase, type SqliteStatement } from './sqlite-database.js';

const columns = ['key', ...recordColumns, 'has_steps', 'may_be_in_doubt', 'due_at'];
const changes = columns.slice(1).map((name) => `${name} = excluded.${name}`);

const noSteps: ReadonlyMap<string, StepEntry> = new Map();

export class RecordTable {
  readonly #select: SqliteStatement;
  readonly #page: SqliteStatement;
  readonly #doubtPage: SqliteStatement;
  readonly #upsert: SqliteStatement;
  readonly #deleteRecord: SqliteStatement;
  readonly #dropOutcome: SqliteStatement;
  readonly #selectDue: SqliteStatement;
  readonly #selectSteps: SqliteStatement;
  readonly #upsertStep: SqliteStatement;
  readonly #deleteStep: SqliteStatement;
  readonly #deleteSteps: SqliteStatement;

  constructor(database: SqliteDatabase) {
    const records = `SELECT ${columns.join(', ')} FROM onceguard_records`;
    this.#select = database.prepare(`${records} WHERE key = ?`);
    this.#page = database.prepare(`${records} WHERE key > ? ORDER BY key LIMIT ?`);
    this.#doubtPage = database.prepare(`${records} WHERE may_be_in_doubt = 1 AND key > ? ORDER BY key LIMIT ?`);
    this.#upsert = database.prepare(
      `INSERT INTO onceguard_records (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
        ON CONFLICT (key) DO UPDATE SET ${changes.join(', ')}`,
    );
    this.#deleteRecord = database.prepare('DELETE FROM onceguard_records WHERE key = ?');
    this.#dropOutcome = database.prepare(
      'UPDATE onceguard_records SET outcome = NULL, due_at = expires_at WHERE key = ?',
    );
    this.#selectDue = database.prepare(
      'SELECT key, expires_at FROM onceguard_records WHERE due_at <= ? ORDER BY due_at LIMIT ?',
    );
    this.#selectSteps = database.prepare('SELECT step, seq, bytes FROM onceguard_steps WHERE record = ?');
    this.#upsertStep = database.prepare(
      `INSERT INTO onceguard_steps (record, step, seq, bytes) VALUES (?, ?, ?, ?)
        ON CONFLICT (record, step) DO UPDATE SET seq = excluded.seq, bytes = excluded.bytes`,
    );
    this.#deleteStep = database.prepare('DELETE FROM onceguard_steps WHERE record = ? AND step = ?');
    this.#deleteSteps = database.prepare('DELETE FROM onceguard_steps WHERE record = ?');
  }

  /** The record as it was written; it may have expired. Throws a `StoreError` for one that cannot be read. */
  get(key: string): StoredRecord | null {
    const row = firstRow(this.#select, key);
    return row === null ? null : this.#decode(key, row);
  }

  /** Writes `next` in place of `before`, which `get` has returned in the same transaction. */
  put(key: string, before: StoredRecord | null, next: StoredRecord): void {
    const dueAt = next.outcome === null ? next.expiresAt : Math.min(next.outcomeEndAt, next.expiresAt);
    const mayBeInDoubt = protocol.mayComeIntoDoubt(next);
    this.#upsert.run(key, ...encodeRecordRow(next), next.steps.size > 0 ? 1 : 0, mayBeInDoubt ? 1 : 0, dueAt);
    this.#putSteps(key, before?.steps ?? noSteps, next.steps);
  }

  /** At most `limit` records with keys above `after`, in the order of their keys: of all, or of those that may be in doubt. */
  page(of: 'all' | 'may be in doubt', after: string, limit: number): KeyedRecord[] {
    return allRows(of === 'all' ? this.#page : this.#doubtPage, after, limit).map((row) => {
      const key = String(row.key);
      return { key, record: this.#tryDecode(key, row) };
    });
  }

  delete(key: string): void {
    this.#deleteRecord.run(key);
    this.#deleteSteps.run(key);
  }

  /** Deletes at most `max` records that have expired, and outcomes that have. */
  deleteDue(now: number, max: number): void {
    for (const { key, expires_at } of allRows(this.#selectDue, now, max)) {
      if (Number(expires_at) <= now) this.delete(String(key));
      else this.#dropOutcome.run(String(key));
    }
  }

  #putSteps(key: string, before: ReadonlyMap<string, StepEntry>, next: ReadonlyMap<string, StepEntry>): void {
    if (before === next) return;
    for (const step of before.keys()) if (!next.has(step)) this.#deleteStep.run(key, step);
    for (const [step, entry] of next) {
      if (before.get(step) !== entry) this.#upsertStep.run(key, step, entry.seq, entry.bytes);
    }
  }

  #decode(key: string, row: SqlRow): StoredRecord {
    return decodeRecordRow(row, Number(row.has_steps) === 0 ? noSteps : this.#steps(key));
  }

  #tryDecode(key: string, row: SqlRow): StoredRecord | null {
    try {
      return this.#decode(key, row);
    } catch (error) {
      if (error instanceof StoreError && error.unreadable) return null;
      throw error;
    }
  }

  #steps(key: string): Map<string, StepEntry> {
    const rows = allRows(this.#selectSteps, key);
    return new Map(
      rows.map(({ step, seq, bytes }) => [String(step), { seq: Number(seq), bytes: toBytes(bytes, 'bytes') }]),
    );
  }
}
