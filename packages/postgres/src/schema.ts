// The tables, by version, and their names.
import { recordColumns } from '@onceguard/core/sql';

/** The version of the tables that this version of the package reads and writes. */
export const schemaVersion = 2;

export interface TableNames {
  /** Quoted, with the schema. */
  readonly records: string;
  readonly steps: string;
  readonly outbox: string;
  /** Begins the names of indexes. */
  readonly prefix: string;
}

export interface SchemaOptions {
  /** The schema of PostgreSQL that has the tables. Default `public`. */
  readonly schema?: string;
  /** Begins the name of each table. Default `onceguard`. */
  readonly prefix?: string;
}

export function tableNames(schema: string, prefix: string): TableNames {
  const table = (name: string) => `"${schema}"."${prefix}_${name}"`;
  return { records: table('records'), steps: table('steps'), outbox: table('outbox'), prefix };
}

export type RecordColumn = (typeof recordColumns)[number];

/** Times are milliseconds: of `timestamptz` the type parsers of an application make what they like. */
export const columnTypes: Readonly<Record<RecordColumn, string>> = {
  layout: 'smallint',
  state: 'text',
  fingerprint: 'text',
  owner_token: 'text',
  fencing_token: 'bigint',
  attempt: 'bigint',
  flags: 'smallint',
  lease_end_at: 'bigint',
  lease_ms: 'bigint',
  operation: 'text',
  label: 'text',
  traceparent: 'text',
  first_acquired_at: 'bigint',
  acquired_at: 'bigint',
  record_ttl_ms: 'bigint',
  outcome_ttl_ms: 'bigint',
  unknown_ttl_ms: 'bigint',
  note: 'text',
  retry_at: 'bigint',
  decisions: 'text',
  expires_at: 'bigint',
  completed_at: 'bigint',
  outcome: 'bytea',
  outcome_end_at: 'bigint',
};

const nullable: ReadonlySet<RecordColumn> = new Set([
  'fingerprint',
  'label',
  'traceparent',
  'note',
  'retry_at',
  'decisions',
  'completed_at',
  'outcome',
]);

function columnDefinition(name: RecordColumn): string {
  const collation = columnTypes[name] === 'text' ? ' COLLATE "C"' : '';
  return `  ${name} ${columnTypes[name]}${collation}${nullable.has(name) ? '' : ' NOT NULL'}`;
}

/**
 * - `version` grows with every write, `life` names the steps that count.
 * - `due_at`: purge looks at the record no earlier. It is a whole hour, so that most updates leave the index alone.
 * - `awaits_decision` is a column and no condition of its index: PostgreSQL updates a row in place (HOT) only while no column in a
 *   condition changes, and `state` always does.
 * - The outbox has no unique id: work that runs again after its record has ended sends the same ids again.
 * - No fillfactor: pages that never fill are never pruned, and a record took 1.6 times the space.
 */
export function migrationStatements({ records, steps, outbox, prefix }: TableNames): string[] {
  const vacuum = 'autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05';
  return [
    `CREATE TABLE IF NOT EXISTS ${records} (
  key text COLLATE "C" PRIMARY KEY,
  version bigint NOT NULL,
  life uuid,
  due_at bigint NOT NULL,
${recordColumns.map(columnDefinition).join(',\n')},
  awaits_decision boolean NOT NULL GENERATED ALWAYS AS (
    state = 'unknown' OR (state = 'in_progress' AND flags & 4 <> 0)
  ) STORED
) WITH (${vacuum})`,
    `CREATE INDEX IF NOT EXISTS "${prefix}_records_due" ON ${records} (due_at)`,
    `CREATE INDEX IF NOT EXISTS "${prefix}_records_doubts" ON ${records} (key) WHERE awaits_decision`,
    `CREATE TABLE IF NOT EXISTS ${steps} (
  record text COLLATE "C" NOT NULL,
  life uuid NOT NULL,
  step text COLLATE "C" NOT NULL,
  seq bigint NOT NULL,
  bytes bytea NOT NULL,
  PRIMARY KEY (record, life, step)
) WITH (${vacuum})`,
    `CREATE INDEX IF NOT EXISTS "${prefix}_steps_intents" ON ${steps} (record) WHERE seq % 2 = 1`,
    `CREATE TABLE IF NOT EXISTS ${outbox} (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id uuid NOT NULL,
  record text COLLATE "C" NOT NULL,
  topic text NOT NULL,
  ordering_key text COLLATE "C" NOT NULL,
  payload bytea NOT NULL,
  enqueued_at bigint NOT NULL,
  failures integer NOT NULL DEFAULT 0,
  due_at bigint NOT NULL
) WITH (${vacuum})`,
    `CREATE INDEX IF NOT EXISTS "${prefix}_outbox_order" ON ${outbox} (ordering_key, seq)`,
    `COMMENT ON TABLE ${records} IS '${versionComment}'`,
  ];
}

const versionComment = `onceguard schema ${schemaVersion}`;
const versionPattern = /^onceguard schema (\d+)$/;

/** The version in the comment of the table of records; 0 for none. */
export function schemaVersionIn(comment: unknown): number {
  return Number(versionPattern.exec(String(comment))?.[1] ?? 0);
}

/** A lock of the whole server: two that create the same table at once would make each other fail. */
const migrationLock = 7_021_000_001;

/** One statement, and so one transaction. Makes a table again that somebody dropped. Tables of a newer version stay as they are. */
export function migrateStatement(names: TableNames): string {
  const { records, steps, outbox } = names;
  const version = `coalesce(substring(obj_description(to_regclass('${records}'), 'pg_class') FROM '^onceguard schema ([0-9]+)$')::int, 0)`;
  const isIncomplete = `to_regclass('${steps}') IS NULL OR to_regclass('${outbox}') IS NULL`;
  return `DO $onceguard$ BEGIN
PERFORM pg_advisory_xact_lock(${migrationLock});
IF ${version} < ${schemaVersion} OR (${version} = ${schemaVersion} AND (${isIncomplete})) THEN
${migrationStatements(names).join(';\n')};
END IF;
END $onceguard$`;
}
