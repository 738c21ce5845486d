// A store on a database of your own: a plain table of PostgreSQL, and the five functions of a CompareAndSwapTable over it.
// #region snippet
import { StoreError } from '@onceguard/core';
import { CompareAndSwapStore, type CompareAndSwapTable, type StoredRow, type WrittenRow } from '@onceguard/core/store';
import type { Pool } from 'pg';

export const createTable = `
  CREATE TABLE IF NOT EXISTS idempotency_records (
    key text COLLATE "C" PRIMARY KEY,
    version text NOT NULL,
    record bytea NOT NULL,
    may_be_in_doubt boolean NOT NULL,
    due_at bigint NOT NULL);
  CREATE INDEX IF NOT EXISTS idempotency_records_doubts ON idempotency_records (key) WHERE may_be_in_doubt;
  CREATE INDEX IF NOT EXISTS idempotency_records_due ON idempotency_records (due_at);`;

const clock = 'floor(extract(epoch from clock_timestamp()) * 1000)::bigint';

/** A statement reads the clock before it waits for a lock. This fails (22012) where it was too late to write after the wait. */
const inTime = (writeBefore: string) => `1 / (${clock} < ${writeBefore})::int AS in_time`;

/** Nothing was written: too late, or another transaction was first under REPEATABLE READ or SERIALIZABLE. */
const notWritten = ['22012', '40001'];

const filters = { none: 'true', mayBeInDoubt: 'may_be_in_doubt', due: `due_at <= ${clock}` };

const valuesOf = ({ key, version, record, mayBeInDoubt, dueAt }: WrittenRow) =>
  [key, version, record, mayBeInDoubt, dueAt] as const;

export function postgresTable(pool: Pool): CompareAndSwapTable {
  /** Whether the statement, which returns the rows that it wrote, wrote one. */
  async function writes(text: string, values: readonly unknown[]): Promise<boolean> {
    try {
      return (await pool.query(text, [...values])).rows.length > 0;
    } catch (error) {
      if (notWritten.includes(codeOf(error))) return false;
      throw error;
    }
  }

  return {
    async read(key) {
      const { rows } = await pool.query<StoredRow & { now: string }>(
        `SELECT ${clock} AS now, r.key, r.version, r.record
         FROM (VALUES ($1::text)) AS wanted (key) LEFT JOIN idempotency_records AS r USING (key)`,
        [key],
      );
      const [row] = rows;
      return { now: Number(row?.now), row: row?.version ? row : null };
    },

    insert: (row, writeBefore) =>
      writes(
        `INSERT INTO idempotency_records (key, version, record, may_be_in_doubt, due_at)
         SELECT $1::text, $2::text, $3::bytea, $4::boolean, $5::bigint WHERE ${clock} < $6::bigint
         ON CONFLICT (key) DO NOTHING RETURNING ${inTime('$6::bigint')}`,
        [...valuesOf(row), writeBefore],
      ),

    update: (row, seenVersion, writeBefore) =>
      writes(
        `UPDATE idempotency_records SET version = $2, record = $3, may_be_in_doubt = $4, due_at = $5
         WHERE key = $1 AND version = $6 AND ${clock} < $7::bigint RETURNING ${inTime('$7::bigint')}`,
        [...valuesOf(row), seenVersion, writeBefore],
      ),

    delete: (key, seenVersion) =>
      writes('DELETE FROM idempotency_records WHERE key = $1 AND version = $2 RETURNING key', [key, seenVersion]),

    async list({ filter, after, limit }) {
      const { rows } = await pool.query<StoredRow & { now: string }>(
        `SELECT c.now, r.* FROM (SELECT ${clock} AS now) AS c LEFT JOIN LATERAL (
           SELECT key, version, record FROM idempotency_records
           WHERE key > $1 AND ${filters[filter]} ORDER BY key LIMIT $2) AS r ON true`,
        [after, limit],
      );
      return { now: Number(rows[0]?.now), rows: rows.filter(({ key }) => key !== null) };
    },
  };
}

const codeOf = (error: unknown): string => String((error as { readonly code?: unknown } | null)?.code ?? '');

/** By SQLSTATE: no rights, no such table, a server that has no room or no time. Everything else keeps its default. */
function toStoreError(error: unknown): StoreError | undefined {
  const code = codeOf(error);
  if (/^(28|3D|42)\w{3}$/.test(code))
    return new StoreError(
      'misconfigured',
      `PostgreSQL refuses (${code}). Create the table, and grant the rights to it.`,
    );
  if (/^(53\w{3}|57014|57P03)$/.test(code)) return new StoreError('unavailable', `PostgreSQL is not ready (${code}).`);
  return undefined;
}

export function openStore(pool: Pool): CompareAndSwapStore {
  return new CompareAndSwapStore({ table: postgresTable(pool), toStoreError, storeName: 'postgres-table' });
}
// #endregion
