// The rows of the table, as a failover or a restored backup changes them.
import type { Pool } from 'pg';
import type { StoredData } from '../../model/stored-data.js';

export function postgresTableData(pool: Pool): StoredData {
  const lose = async (key: string) => {
    await pool.query('DELETE FROM idempotency_records WHERE key = $1', [key]);
  };
  return {
    // Purge does not run.
    recordGraceMs: Number.POSITIVE_INFINITY,
    lose,
    async save(key) {
      const { rows } = await pool.query('SELECT * FROM idempotency_records WHERE key = $1', [key]);
      return rows[0] ?? null;
    },
    async restore(key, copy) {
      await lose(key);
      const columns = Object.keys(copy as object);
      const places = columns.map((_, index) => `$${index + 1}`);
      await pool.query(
        `INSERT INTO idempotency_records (${columns.join(', ')}) VALUES (${places.join(', ')})`,
        Object.values(copy as object),
      );
    },
    async findIndexFault(key) {
      const { rows } = await pool.query('SELECT may_be_in_doubt FROM idempotency_records WHERE key = $1', [key]);
      return rows[0]?.may_be_in_doubt === true ? null : { row: rows[0] };
    },
  };
}
