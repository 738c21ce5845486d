// What an error of SQLite means. Every library reports the result code of SQLite in its own way.
import { StoreError, type StoreErrorClass } from '@onceguard/core';
import type { TransactionFailure } from '@onceguard/core/store';

/** Result codes without their extension. */
const names: Readonly<Record<number, string>> = {
  3: 'SQLITE_PERM',
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  18: 'SQLITE_TOOBIG',
  19: 'SQLITE_CONSTRAINT',
  26: 'SQLITE_NOTADB',
};

const classes: Readonly<Record<string, StoreErrorClass>> = {
  SQLITE_BUSY: 'unavailable',
  SQLITE_LOCKED: 'unavailable',
  SQLITE_FULL: 'unavailable',
  SQLITE_TOOBIG: 'unavailable',
  SQLITE_PERM: 'misconfigured',
  SQLITE_READONLY: 'misconfigured',
  SQLITE_CANTOPEN: 'misconfigured',
  SQLITE_CORRUPT: 'misconfigured',
  SQLITE_NOTADB: 'misconfigured',
  SQLITE_IOERR: 'unavailable',
};

/** The result code as `SQLITE_…` without its extension, or null. */
function resultCodeOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null) return null;
  const { errcode, code } = error as { errcode?: unknown; code?: unknown };
  if (typeof errcode === 'number') return names[errcode & 0xff] ?? 'SQLITE_ERROR';
  if (typeof code !== 'string' || !code.startsWith('SQLITE_')) return null;
  return Object.values(names).find((name) => code === name || code.startsWith(`${name}_`)) ?? 'SQLITE_ERROR';
}

/** Another connection holds the lock that this one needs. */
export function isLockedOut(error: unknown): boolean {
  const code = resultCodeOf(error);
  return code === 'SQLITE_BUSY' || code === 'SQLITE_LOCKED';
}

/** The file, its folder or its disk takes no writes of this process. */
export function isReadOnly(error: unknown): boolean {
  return resultCodeOf(error) === 'SQLITE_READONLY';
}

/** An error of a transaction that was rolled back: nothing was written. */
export function toStoreError(what: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const code = resultCodeOf(error);
  const message = `SQLite failed to ${what}: ${error instanceof Error ? error.message : String(error)}`;
  const storeClass = (code === null ? undefined : classes[code]) ?? 'bug';
  return new StoreError(storeClass, code === null ? message : `${message} (${code})`, {
    cause: error,
    ...(code === 'SQLITE_FULL' ? { refusal: 'full' } : {}),
    ...(code === 'SQLITE_TOOBIG' ? { refusal: 'too_large' } : {}),
  });
}

/**
 * An error of COMMIT. A reader held the lock, or the disk had no room for the last frame of the log, without which the others do not
 * count: nothing was written. Of every other error nobody knows.
 */
export function commitError(what: string, error: unknown): StoreError {
  const storeError = toStoreError(what, error);
  const isRolledBack = isLockedOut(error) || resultCodeOf(error) === 'SQLITE_FULL';
  return isRolledBack ? storeError : new StoreError('unknown', storeError.message, { cause: error });
}

/** What an error within a transaction, or of its COMMIT, says about it. A constraint may be checked as late as at COMMIT. */
export function transactionFailure(error: unknown): TransactionFailure {
  if (isLockedOut(error)) return 'conflict';
  return resultCodeOf(error) === 'SQLITE_CONSTRAINT' ? 'refused' : 'in_doubt';
}
