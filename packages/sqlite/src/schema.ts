// The tables of the store. They may stand beside those of the application in one file.
import { recordColumns } from '@onceguard/core/sql';

const types: Readonly<Record<(typeof recordColumns)[number], string>> = {
  layout: 'INTEGER NOT NULL',
  state: 'TEXT NOT NULL',
  fingerprint: 'TEXT',
  owner_token: 'TEXT NOT NULL',
  fencing_token: 'INTEGER NOT NULL',
  attempt: 'INTEGER NOT NULL',
  flags: 'INTEGER NOT NULL',
  lease_end_at: 'INTEGER NOT NULL',
  lease_ms: 'INTEGER NOT NULL',
  operation: 'TEXT NOT NULL',
  label: 'TEXT',
  traceparent: 'TEXT',
  first_acquired_at: 'INTEGER NOT NULL',
  acquired_at: 'INTEGER NOT NULL',
  record_ttl_ms: 'INTEGER NOT NULL',
  outcome_ttl_ms: 'INTEGER NOT NULL',
  unknown_ttl_ms: 'INTEGER NOT NULL',
  note: 'TEXT',
  retry_at: 'INTEGER',
  decisions: 'TEXT',
  expires_at: 'INTEGER NOT NULL',
  completed_at: 'INTEGER',
  outcome: 'BLOB',
  outcome_end_at: 'INTEGER NOT NULL',
};

const columns = recordColumns.map((name) => `  ${name} ${types[name]}`).join(',\n');

/**
 * `due_at`: when the record, or its outcome, is to be deleted. `has_steps`: whether the table of steps has any of it.
 * `may_be_in_doubt`: 1 for records that are in doubt, or would be if their owner vanished.
 */
export const schemaSql = `
CREATE TABLE IF NOT EXISTS onceguard_records (
  key TEXT PRIMARY KEY NOT NULL,
${columns},
  has_steps INTEGER NOT NULL,
  may_be_in_doubt INTEGER NOT NULL,
  due_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS onceguard_records_due ON onceguard_records (due_at);
CREATE INDEX IF NOT EXISTS onceguard_records_doubt ON onceguard_records (key) WHERE may_be_in_doubt = 1;
CREATE TABLE IF NOT EXISTS onceguard_steps (
  record TEXT NOT NULL,
  step TEXT NOT NULL,
  seq INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  PRIMARY KEY (record, step)
) WITHOUT ROWID;
`;
