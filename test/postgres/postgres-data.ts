// The records of a PostgresStore, as a failover or a restored backup changes them.
import type { Pool } from 'pg';
import type { StoredData } from '../model/stored-data.js';

interface Copy {
  readonly record: unknown;
  readonly steps: unknown;
}

export function postgresData(pool: Pool, schema: string): StoredData {
  const [records, steps] = [`${schema}.onceguard_records`, `${schema}.onceguard_steps`];
  const lose = async (key: string) => {
    await pool.query(`WITH r AS (DELETE FROM ${records} WHERE key = $1) DELETE FROM ${steps} WHERE record = $1`, [key]);
  };
  return {
    // Purge does not run.
    recordGraceMs: Number.POSITIVE_INFINITY,
    lose,
    async save(key) {
      const { rows } = await pool.query<Copy>(
        `SELECT to_jsonb(r) - 'awaits_decision' AS record,
           (SELECT coalesce(jsonb_agg(s), '[]') FROM ${steps} AS s WHERE s.record = r.key) AS steps
         FROM ${records} AS r WHERE r.key = $1`,
        [key],
      );
      return rows[0] ?? null;
    },
    async restore(key, copy) {
      const { record, steps: rows } = copy as Copy;
      const columns = Object.keys(record as object).join(', ');
      await lose(key);
      await pool.query(
        `WITH r AS (INSERT INTO ${records} (${columns})
           SELECT ${columns} FROM jsonb_populate_record(NULL::${records}, $1::jsonb))
         INSERT INTO ${steps} SELECT * FROM jsonb_populate_recordset(NULL::${steps}, $2::jsonb)`,
        [JSON.stringify(record), JSON.stringify(rows)],
      );
    },
  };
}
