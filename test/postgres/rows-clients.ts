// Clients of the form `{ rows(text, values) }`.
import { createHash } from 'node:crypto';
import type { RowsClient } from '@onceguard/postgres';
import type { Pool } from 'pg';
import { normalize, type StatementMutation } from './statement-mutations.js';

interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

type Rows = Promise<readonly unknown[]>;

/** Runs every statement on the pool, by a prepared one, as `intercept` says. */
export function interceptedClient(
  pool: Pool,
  intercept: (statement: Statement, run: (statement: Statement) => Rows) => Rows,
): RowsClient {
  const run = async ({ text, values }: Statement) => {
    const name = createHash('sha256').update(text).digest('hex').slice(0, 16);
    return (await pool.query({ text, values: [...values], name })).rows;
  };
  return { rows: (text, values) => intercept({ text, values }, run) };
}

/** The single statements of the hot verbs, by what only they have. A checkpoint has no other form. */
const hotPatterns = [/started AS/, /SET version = r\.version \+ 1, lease_ms =/, /life = NULL, state = 'completed'/];

/** Their conditions never hold, so the store looks and swaps. */
export function withoutHotStatements(pool: Pool): RowsClient {
  return interceptedClient(pool, async (statement, run) => {
    const isHot = hotPatterns.some((pattern) => pattern.test(normalize(statement.text)));
    return isHot ? [] : await run(statement);
  });
}

/** Replaces a part of each statement that has it. */
export function mutatedClient(pool: Pool, { from, to }: StatementMutation): RowsClient {
  return interceptedClient(pool, ({ text, values }, run) =>
    run({ text: normalize(text).replaceAll(from, to), values }),
  );
}
