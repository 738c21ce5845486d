// The table of everything that a check can find.

/**
 * - `error`: calls fail, or records can be lost without any fault, until somebody acts.
 * - `warning`: an ordinary fault, such as a crash of the server, will lose records.
 * - `info`: works, at some cost.
 */
type Severity = 'error' | 'warning' | 'info';

interface FindingDefinition {
  readonly severity: Severity;
  /** A clause about the server. `{value}` is filled in. */
  readonly message: string;
  readonly remedy: string;
}

/** Codes are stable. `docs/postgres.md` lists them too. */
export const findingTable = Object.freeze({
  postgres_unreachable: {
    severity: 'error',
    message: 'it does not reply: {value}',
    remedy: 'Check the address, the user and the password, and that the server accepts connections from this host.',
  },
  postgres_too_old: {
    severity: 'error',
    message: 'it is PostgreSQL {value}; the store needs 14 or newer',
    remedy: 'Update the server.',
  },
  postgres_read_only: {
    severity: 'error',
    message: 'it takes no writes: {value}',
    remedy: 'Give the store the address of the primary, and a role whose transactions may write.',
  },
  postgres_schema_missing: {
    severity: 'error',
    message: 'it has no table {value}',
    remedy: 'Run `await store.migrate()`, or the SQL of `migrationSql()`: docs/postgres.md#schema.',
  },
  postgres_schema_older: {
    severity: 'error',
    message: 'its tables have version {value} of the schema, which is older than this package',
    remedy: 'Run `await store.migrate()`, or the SQL of `migrationSql()`: docs/postgres.md#schema.',
  },
  postgres_no_rights: {
    severity: 'error',
    message: 'the role may not {value}',
    remedy: 'Give it the rights of docs/postgres.md#rights.',
  },
  postgres_fsync_off: {
    severity: 'error',
    message: 'fsync is off, so a crash of the machine can destroy every table',
    remedy: 'Set fsync = on.',
  },
  postgres_async_commit: {
    severity: 'warning',
    message: 'synchronous_commit is off, so a crash of the server loses the last records, and their work runs again',
    remedy: 'Set synchronous_commit = on for the role of the store.',
  },
  postgres_prepared_refused: {
    severity: 'warning',
    message: 'prepared statements get lost between the client and the server, so the store goes on without them',
    remedy: 'Set `prepare: false`, or use a pooler that keeps them, such as PgBouncer 1.21.',
  },
  postgres_purge_overdue: {
    severity: 'warning',
    message: 'of its records {value} ended more than two hours ago and are still there',
    remedy:
      'Let `PostgresStore.connect()` delete them, or call `store.purge()` from a timer: docs/postgres.md#housekeeping.',
  },
  postgres_isolation: {
    severity: 'info',
    message: 'the default isolation is {value}, so calls on one key are repeated more often',
    remedy: "Set default_transaction_isolation = 'read committed' for the role of the store.",
  },
} as const satisfies Readonly<Record<string, FindingDefinition>>);

export type PostgresFindingCode = keyof typeof findingTable;

/** One finding of `PostgresStore.check`. `docs/postgres.md#findings` lists the codes. */
export interface PostgresFinding {
  readonly code: PostgresFindingCode;
  readonly severity: Severity;
  readonly message: string;
  readonly remedy: string;
  /** The address of the server as it sees itself, or the name of the store where it is not known. */
  readonly server: string;
}

export function createFinding(code: PostgresFindingCode, server: string, value = ''): PostgresFinding {
  const { severity, message, remedy } = findingTable[code];
  return { code, severity, message: message.replace('{value}', value.replace(/\.$/, '')), remedy, server };
}

export function preparedRefusedFinding(storeName: string): PostgresFinding {
  return createFinding('postgres_prepared_refused', storeName);
}
