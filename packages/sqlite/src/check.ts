// Checks a file: what SQLite says of it, whether it can be written, and the disk that it is on.
import { statfsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { createFinding, type SqliteFinding, type SqliteFindingCode } from './findings.js';
import { allRows, firstRow, type SqliteDatabase } from './sqlite-database.js';
import { isLockedOut, isReadOnly, toStoreError } from './sqlite-error.js';

const lockRetryMs = 20;
const leastFreeMiB = 64;

/** The numbers that Linux gives file systems whose files are on another machine. */
const networkFileSystems: Readonly<Record<number, string>> = {
  26985: 'NFS',
  20859: 'SMB',
  4283649346: 'CIFS',
  4266872130: 'SMB 2',
  1397113167: 'AFS',
  12805120: 'Ceph',
};

type Found = Readonly<Partial<Record<SqliteFindingCode, string | null>>>;

interface CheckOptions {
  readonly storeName: string;
  readonly lockTimeoutMs: number;
  /** Whether to look for damage. SQLite reads the whole file for that. */
  readonly wholeFile: boolean;
}

export async function checkSqlite(
  database: SqliteDatabase,
  { storeName, lockTimeoutMs, wholeFile }: CheckOptions,
): Promise<SqliteFinding[]> {
  let server = storeName;
  try {
    const path = mainFile(database);
    server = path === '' ? storeName : path;
    const lock = await tryLock(database, lockTimeoutMs);
    const file = path === '' ? { sqlite_in_memory: '' } : { ...journalFound(database), ...diskFound(path) };
    return toFindings(server, { ...lock, ...file, sqlite_damaged: wholeFile ? damageIn(database) : null });
  } catch (error) {
    return [createFinding('sqlite_failed', server, toStoreError('read the file', error).message)];
  }
}

function toFindings(server: string, found: Found): SqliteFinding[] {
  const findings = Object.entries(found).flatMap(([code, value]) =>
    value === null || value === undefined ? [] : [createFinding(code as SqliteFindingCode, server, value)],
  );
  return findings.sort((a, b) => a.severity.localeCompare(b.severity));
}

function mainFile(database: SqliteDatabase): string {
  const main = allRows(database.prepare('PRAGMA database_list')).find(({ name }) => name === 'main');
  return String(main?.file ?? '');
}

/** Takes the lock for writing and gives it back, in one go. `BEGIN` alone succeeds on a file that takes no writes; no key is empty. */
async function tryLock(database: SqliteDatabase, timeoutMs: number): Promise<Found> {
  const deadlineAt = performance.now() + timeoutMs;
  for (;;) {
    try {
      database.exec("BEGIN IMMEDIATE; DELETE FROM onceguard_records WHERE key = ''; ROLLBACK");
      return {};
    } catch (error) {
      if (isReadOnly(error)) {
        database.exec('ROLLBACK');
        return { sqlite_read_only: '' };
      }
      if (!isLockedOut(error)) throw error;
      if (performance.now() >= deadlineAt) return { sqlite_locked: String(timeoutMs) };
    }
    await pause(lockRetryMs);
  }
}

function journalFound(database: SqliteDatabase): Found {
  const mode = String(firstRow(database.prepare('PRAGMA journal_mode'))?.journal_mode);
  return { sqlite_not_wal: mode === 'wal' ? null : mode };
}

function diskFound(path: string): Found {
  const { type, bavail, bsize } = statfsSync(path);
  const freeMiB = Math.floor((bavail * bsize) / 1_048_576);
  return {
    sqlite_network_file_system: networkFileSystems[type] ?? null,
    sqlite_disk_nearly_full: freeMiB < leastFreeMiB ? String(freeMiB) : null,
  };
}

/** Null: none. */
function damageIn(database: SqliteDatabase): string | null {
  const [first] = Object.values(firstRow(database.prepare('PRAGMA quick_check(1)')) ?? {});
  return first === 'ok' ? null : (String(first).split('\n')[0]?.slice(0, 200) ?? '');
}
