// Mistakes that a statement could have. The random walk has to find each of them.
import type { SqliteDatabase } from '@onceguard/sqlite';
import { recordColumns } from '../../packages/core/src/stores/sql/record-row.js';

export interface StatementMutation {
  readonly mistake: string;
  readonly from: string;
  readonly to: string;
}

/** `layout` never changes. The length of a lease is for people, and no reply depends on it. */
const updatedColumns = recordColumns.filter((name) => name !== 'layout');

export const statementMutations: readonly StatementMutation[] = [
  ...updatedColumns.map((name) => ({
    mistake: `a changed record keeps the old ${name}`,
    from: ` ${name} = excluded.${name}`,
    to: ` ${name} = onceguard_records.${name}`,
  })),
  {
    mistake: 'the steps of a changed record are not looked for',
    from: ' has_steps = excluded.has_steps',
    to: ' has_steps = onceguard_records.has_steps',
  },
  {
    mistake: 'a step keeps its first seq and bytes',
    from: 'DO UPDATE SET seq = excluded.seq, bytes = excluded.bytes',
    to: 'DO NOTHING',
  },
  {
    mistake: 'a step keeps its first bytes',
    from: 'SET seq = excluded.seq, bytes = excluded.bytes',
    to: 'SET seq = excluded.seq',
  },
  {
    mistake: 'a decision keeps the steps in doubt',
    from: 'DELETE FROM onceguard_steps WHERE record = ? AND step = ?',
    to: "DELETE FROM onceguard_steps WHERE record = ? AND step = ? || 'x'",
  },
  {
    mistake: 'a decision drops all steps',
    from: 'DELETE FROM onceguard_steps WHERE record = ? AND step = ?',
    to: "DELETE FROM onceguard_steps WHERE record = ? AND step <> ? || 'x'",
  },
  {
    mistake: 'all records share their steps',
    from: 'SELECT step, seq, bytes FROM onceguard_steps WHERE record = ?',
    to: "SELECT step, seq, bytes FROM onceguard_steps WHERE record <> ? || 'x'",
  },
  {
    mistake: 'a transaction deletes the outcomes of records that live on',
    from: 'WHERE due_at <= ?',
    to: 'WHERE due_at >= 0 OR due_at <= ?',
  },
];

/** The connection with one mistake in its statements. Throws where no statement has that text. */
export function mutatedDatabase(real: SqliteDatabase, mutation: StatementMutation | null): SqliteDatabase {
  return {
    exec: (sql) => real.exec(sql),
    close: () => real.close(),
    prepare(sql) {
      const mutated = mutation !== null && sql.includes(mutation.from) ? sql.replace(mutation.from, mutation.to) : sql;
      // Records that have ended stay, as they do until the next transaction, so that the protocol sees what the store sees.
      return real.prepare(mutated.replace('WHERE due_at <= ?', 'WHERE due_at < 0 AND due_at <= ?'));
    },
  };
}
