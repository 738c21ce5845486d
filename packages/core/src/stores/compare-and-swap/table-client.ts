// Calls the functions of a user's table: checks what they return, and makes a StoreError of what they throw.
import { randomUUID } from 'node:crypto';
import { StoreError } from '../../errors.js';
import { recordNumberLimit } from '../../protocol/argument-checks.js';
import { mayComeIntoDoubt } from '../../protocol/doubt.js';
import type { StoredRecord } from '../../protocol/record.js';
import type {
  CompareAndSwapTable,
  StoredRow,
  TablePage,
  TablePageRequest,
  TableRead,
  WrittenRow,
} from '../../store/compare-and-swap-table.js';
import type { CompareAndSwapStoreOptions } from './compare-and-swap-options.js';
import { decodeRecord, encodeRecord } from './record-codec.js';

/** A record is deleted this long after its end. Until then its fencing token refuses messages of earlier owners. */
const deletionGraceMs = 60_000;

/** Later than every time of a record, and still the time of a `Date`. */
export const noLimit = recordNumberLimit;

type ToStoreError = CompareAndSwapStoreOptions['toStoreError'];

export class TableClient {
  readonly #table: CompareAndSwapTable;
  readonly #toStoreError: ToStoreError;

  constructor(table: CompareAndSwapTable, toStoreError: ToStoreError) {
    this.#table = table;
    this.#toStoreError = toStoreError;
  }

  /** `storeClass`: what an error means, unless `toStoreError` says something else. */
  async read(key: string, storeClass: 'unavailable' | 'unknown' = 'unavailable'): Promise<TableRead> {
    const found = await this.#call('read', storeClass, () => this.#table.read(key));
    checkNow('read', found);
    if (found.row === null) return found;
    checkRow('read', found.row);
    if (found.row.key === key) return found;
    throw new StoreError(
      'misconfigured',
      'The table returned the row of another key. Its column of keys must tell upper from lower case: give it a binary collation.',
      { unreadable: true },
    );
  }

  /** Writes `next` in the place of `seen`; null: there was no row. False: somebody came between, or it is too late. */
  async write(key: string, seen: StoredRow | null, next: StoredRecord, writeBefore: number): Promise<boolean> {
    const row = toRow(key, next);
    const table = this.#table;
    if (seen === null) return await this.#callWrite('insert', () => table.insert(row, writeBefore));
    return await this.#callWrite('update', () => table.update(row, seen.version, writeBefore));
  }

  async delete({ key, version }: StoredRow): Promise<boolean> {
    return await this.#callWrite('delete', () => this.#table.delete(key, version));
  }

  async list(request: TablePageRequest): Promise<TablePage> {
    const page = await this.#call('list', 'unavailable', () => this.#table.list(request));
    checkNow('list', page);
    if (!Array.isArray(page.rows)) throw invalidReply('list', 'rows', page.rows, 'an array of rows');
    for (const row of page.rows) checkRow('list', row);
    // A page that began again would make a list without end.
    if (page.rows.some(({ key }) => key === request.after))
      throw invalidReply('list', 'a row', request.after, 'after the key `after`, and not that one again');
    return page;
  }

  async close(): Promise<void> {
    await this.#call('close', 'unavailable', async () => await this.#table.close?.());
  }

  async #callWrite(name: string, write: () => Promise<boolean>): Promise<boolean> {
    const isWritten = await this.#call(name, 'unknown', write);
    if (typeof isWritten === 'boolean') return isWritten;
    // It may have been written.
    throw new StoreError(
      'unknown',
      replyMessage(name, 'its result', isWritten, 'true if the row was written, else false'),
    );
  }

  async #call<T>(name: string, storeClass: 'unavailable' | 'unknown', call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (error instanceof StoreError) throw error;
      throw this.#classify(name, storeClass, error);
    }
  }

  /** A mistake in `toStoreError` does not change whether the call may have been executed. */
  #classify(name: string, storeClass: 'unavailable' | 'unknown', error: unknown): StoreError {
    try {
      const classified = this.#toStoreError?.(error);
      if (classified === undefined) return unclassifiedError(`${name}() of the table`, storeClass, error);
      if (classified instanceof StoreError) return classified;
      const rule = 'it must return a StoreError or undefined';
      return new StoreError(
        storeClass,
        `${name}() of the table failed; toStoreError returned ${show(classified)}: ${rule}.`,
      );
    } catch (mistake) {
      return unclassifiedError('toStoreError', storeClass, mistake);
    }
  }
}

/** From when on the record may be deleted. */
export function deletableAt({ expiresAt }: StoredRecord): number {
  return expiresAt + deletionGraceMs;
}

export function decodeRow(row: StoredRow | null): StoredRecord | null {
  return row === null ? null : decodeRecord(row.key, row.record);
}

/** The record, or `other` for one that cannot be read. */
export function decodeRowOr<Other>(row: StoredRow | null, other: Other): StoredRecord | Other | null {
  try {
    return decodeRow(row);
  } catch (error) {
    if (error instanceof StoreError && error.unreadable) return other;
    throw error;
  }
}

function toRow(key: string, record: StoredRecord): WrittenRow {
  const endsAt = deletableAt(record);
  return {
    key,
    // Not a number that counts: it would begin again after a deletion, and a write that was long under way would meet the same one.
    version: randomUUID(),
    record: encodeRecord(key, record),
    mayBeInDoubt: mayComeIntoDoubt(record),
    dueAt: record.outcome === null ? endsAt : Math.min(record.outcomeEndAt, endsAt),
    deletableAt: endsAt,
  };
}

function checkNow(name: string, reply: { readonly now: number }): void {
  const now: unknown = typeof reply === 'object' && reply !== null ? reply.now : undefined;
  if (typeof now === 'number' && Number.isSafeInteger(now) && now >= 0) return;
  throw invalidReply(name, 'now', now, 'a whole number of milliseconds since 1970');
}

/** `decodeRecord` checks the bytes. */
function checkRow(name: string, row: StoredRow): void {
  if (typeof row !== 'object' || row === null)
    throw invalidReply(name, 'a row', row, 'an object with key, version and record, or null for none');
  for (const column of ['key', 'version'] as const) {
    const value: unknown = row[column];
    if (typeof value !== 'string' || value === '') throw invalidReply(name, column, value, 'the text that was written');
  }
}

/** Unreadable: there may be a record of finished work, which must not run again. */
function invalidReply(name: string, what: string, value: unknown, rule: string): StoreError {
  return new StoreError('bug', replyMessage(name, what, value, rule), { unreadable: true });
}

function replyMessage(name: string, what: string, value: unknown, rule: string): string {
  return `${name}() of the table returned ${what} as ${show(value)}; it must be ${rule}.`;
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 64));
  if (typeof value === 'bigint') return `${value}n`;
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** Mistakes in the functions themselves. They show no values of a statement, as errors of drivers do. */
const mistakes = [TypeError, ReferenceError, RangeError, SyntaxError];

function unclassifiedError(what: string, storeClass: 'unavailable' | 'unknown', error: unknown): StoreError {
  const { name: errorName, code } = (error ?? {}) as { readonly name?: unknown; readonly code?: unknown };
  const shown = [errorName, code].filter((part) => /^\w{1,64}$/.test(String(part ?? ''))).join(' ') || typeof error;
  const cause = mistakes.some((type) => error instanceof type) ? { cause: error } : {};
  return new StoreError(storeClass, `${what} failed: ${shown}.`, cause);
}
