// Checks a server: one statement asks for everything.
import { StoreError } from '@onceguard/core';
import type { SqlRow, SqlValue } from '@onceguard/core/sql';
import { createFinding, findingTable, type PostgresFinding, type PostgresFindingCode } from './findings.js';
import { toInteger } from './record-row.js';
import { schemaVersion, schemaVersionIn, type TableNames } from './schema.js';
import { clock } from './statements.js';

export interface CheckOptions {
  /** Rejects with a `StoreError`. */
  rows(text: string, values: readonly SqlValue[]): Promise<readonly SqlRow[]>;
  readonly names: TableNames;
  readonly storeName: string;
  /** Whether the client has given up prepared statements. */
  isPreparedRefused(): boolean;
}

const oldestVersion = 140_000;
const neededRights = "ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']";

const missingRights = (
  table: string,
) => `array_to_string(ARRAY(SELECT right_name FROM unnest(${neededRights}) AS right_name
    WHERE to_regclass(${table}) IS NOT NULL AND NOT has_table_privilege(to_regclass(${table}), right_name)), ', ')`;

/** `$1` the table of records, `$2` that of steps. */
const settingsStatement = `SELECT current_setting('server_version') AS version, current_setting('server_version_num') AS version_number,
  coalesce(host(inet_server_addr()) || ':' || inet_server_port(), 'local socket') AS address, pg_is_in_recovery()::int AS is_replica,
  current_setting('transaction_read_only') AS read_only, current_setting('default_transaction_isolation') AS isolation,
  current_setting('synchronous_commit') AS synchronous_commit, current_setting('fsync') AS fsync`;
const tablesStatement = `SELECT to_regclass($1::text)::text AS records, to_regclass($2::text)::text AS steps,
  obj_description(to_regclass($1::text), 'pg_class') AS comment,
  ${missingRights('$1::text')} AS missing_on_records, ${missingRights('$2::text')} AS missing_on_steps`;

/** Housekeeping comes each minute, and deletes within the hour. */
const overdueMs = 7_200_000;
const mostCounted = 10_000;
const overdueStatement = ({ records }: TableNames) => `SELECT count(*)::int AS overdue FROM
  (SELECT 1 FROM ${records} WHERE due_at <= ${clock} - ${overdueMs} LIMIT ${mostCounted}) AS late`;

export async function checkPostgres(options: CheckOptions): Promise<readonly PostgresFinding[]> {
  const findings = await findAll(options);
  const order = ['error', 'warning', 'info'];
  return [...findings].sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
}

async function findAll({ rows, names, storeName, isPreparedRefused }: CheckOptions): Promise<PostgresFinding[]> {
  let server = storeName;
  try {
    const settings = (await rows(settingsStatement, []))[0] ?? {};
    server = String(settings.address ?? storeName);
    const tables = (await rows(tablesStatement, [names.records, names.steps]))[0] ?? {};
    const found = [...settingsFindings(settings, server), ...tableFindings(tables, names, server)];
    // Through a pooler, several calls at once and then again may reach sessions that do not know the statement.
    for (let round = 0; round < 2; round += 1)
      await Promise.all([1, 2, 3].map(() => rows(tablesStatement, [names.records, names.steps])));
    if (isPreparedRefused()) found.push(createFinding('postgres_prepared_refused', server));
    const isReadable = !found.some(({ code }) => /schema_missing|no_rights|read_only/.test(code));
    return isReadable ? [...found, ...overdueFindings(await rows(overdueStatement(names), []), server)] : found;
  } catch (error) {
    return [failureFinding(error, server)];
  }
}

function settingsFindings(row: SqlRow, server: string): PostgresFinding[] {
  const isReplica = toInteger(row.is_replica) !== 0;
  const isReadOnly = isReplica || row.read_only === 'on';
  const reason = isReplica ? 'it is a read replica' : 'the transactions of the role are read-only';
  const isolation = String(row.isolation);
  return foundOnly(server, {
    postgres_too_old: toInteger(row.version_number) < oldestVersion ? String(row.version) : null,
    postgres_read_only: isReadOnly ? reason : null,
    postgres_fsync_off: row.fsync === 'off' ? '' : null,
    postgres_async_commit: row.synchronous_commit === 'off' ? '' : null,
    postgres_isolation: isolation === 'read committed' ? null : isolation,
  });
}

function tableFindings(row: SqlRow, { records, steps }: TableNames, server: string): PostgresFinding[] {
  const missing = row.records === null ? records : row.steps === null ? steps : null;
  const version = schemaVersionIn(row.comment);
  const rights = [
    [row.missing_on_records, records],
    [row.missing_on_steps, steps],
  ].flatMap(([lacking, table]) => (lacking ? [`${lacking} on ${table}`] : []));
  return foundOnly(server, {
    postgres_schema_missing: missing,
    postgres_schema_older: missing === null && version < schemaVersion ? String(version) : null,
    postgres_no_rights: rights.length > 0 ? rights.join(', ') : null,
  });
}

function overdueFindings([row = {}]: readonly SqlRow[], server: string): PostgresFinding[] {
  const count = toInteger(row.overdue);
  const words = count === mostCounted ? `${count} or more` : String(count);
  return foundOnly(server, { postgres_purge_overdue: count === 0 ? null : words });
}

/** One finding for each value that is not null. */
function foundOnly(
  server: string,
  values: Readonly<Partial<Record<PostgresFindingCode, string | null>>>,
): PostgresFinding[] {
  const codes = Object.keys(findingTable) as PostgresFindingCode[];
  return codes.flatMap((code) => {
    const value = values[code];
    return value === null || value === undefined ? [] : [createFinding(code, server, value)];
  });
}

function failureFinding(error: unknown, server: string): PostgresFinding {
  const message = error instanceof Error ? error.message : String(error);
  const isRefused = error instanceof StoreError && message.includes('(42501)');
  return isRefused
    ? createFinding('postgres_no_rights', server, 'use the schema')
    : createFinding('postgres_unreachable', server, message);
}
