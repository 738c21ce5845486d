// The table of everything that a check of a file can find.

/**
 * - `error`: calls fail, or records can be lost without any fault, until somebody acts.
 * - `warning`: works, but will not after an ordinary fault, or for long.
 */
type Severity = 'error' | 'warning';

interface FindingDefinition {
  readonly severity: Severity;
  /** A clause about the file. `{value}` is filled in. */
  readonly message: string;
  readonly remedy: string;
}

/** Codes are stable. `docs/sqlite.md` lists them too. */
export const findingTable = Object.freeze({
  sqlite_failed: {
    severity: 'error',
    message: 'it cannot be checked: {value}',
    remedy: 'Check the path, the rights and the disk.',
  },
  sqlite_damaged: {
    severity: 'error',
    message: 'it is damaged: {value}',
    remedy: 'Stop what uses it, keep a copy, and restore a backup: docs/sqlite.md#backups.',
  },
  sqlite_read_only: {
    severity: 'error',
    message: 'this process may not write to it',
    remedy: 'Give the user of the service the right to write the file and its folder.',
  },
  sqlite_network_file_system: {
    severity: 'error',
    message: 'it is on a network file system ({value}), where the locks of SQLite do not work',
    remedy: 'Move it to a local disk, or use a store on a server.',
  },
  sqlite_in_memory: {
    severity: 'warning',
    message: 'it is in memory, so the end of the process forgets every record',
    remedy: 'Give the path of a file.',
  },
  sqlite_not_wal: {
    severity: 'warning',
    message: 'its journal mode is {value}, so reading and writing wait for each other',
    remedy: 'Close every other connection once, so that the store can set the mode to WAL.',
  },
  sqlite_locked: {
    severity: 'warning',
    message: 'another connection has held its lock for {value} ms',
    remedy: 'Find the long transaction of another program on this file, and shorten it.',
  },
  sqlite_disk_nearly_full: {
    severity: 'warning',
    message: 'its disk has {value} MiB left',
    remedy: 'Free space: a full disk refuses all work.',
  },
} as const satisfies Readonly<Record<string, FindingDefinition>>);

export type SqliteFindingCode = keyof typeof findingTable;

/** One finding of `SqliteStore.check`. `docs/sqlite.md#findings` lists the codes. */
export interface SqliteFinding {
  readonly code: SqliteFindingCode;
  readonly severity: Severity;
  readonly message: string;
  readonly remedy: string;
  /** The path of the file, or the name of the store where it has none. */
  readonly server: string;
}

export function createFinding(code: SqliteFindingCode, server: string, value = ''): SqliteFinding {
  const { severity, message, remedy } = findingTable[code];
  return { code, severity, message: message.replace('{value}', () => value), remedy, server };
}
