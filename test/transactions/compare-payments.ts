// Compares the payments, the records and the messages of each key.
import { recordName } from '@onceguard/core';
import type { QueryResult } from 'pg';

export type Mode = 'transaction' | 'lease';

/** What disagrees, in keys. All are 0 where nothing does. */
export interface Disagreements {
  readonly twoEffects: number;
  readonly effectWithoutRecord: number;
  readonly recordWithoutEffect: number;
  /** In transactions, before any message was published: keys whose messages are not as many as their effects. */
  readonly messagesAndEffects: number;
  /** Keys of which a process was told that they are paid, and that have no effect. */
  readonly toldWithoutEffect: number;
  /** Payments that are not in the sum of the accounts, or the other way round. */
  readonly accounts: number;
}

type Query = (text: string) => Promise<QueryResult>;

export interface PaymentsToCompare {
  readonly query: Query;
  readonly schema: string;
  readonly mode: Mode;
  readonly keys: readonly string[];
  /** The keys of which a process was told that they are paid. */
  readonly told: ReadonlySet<string>;
}

export async function comparePayments({ query, schema, mode, keys, told }: PaymentsToCompare): Promise<Disagreements> {
  const effects = await countByKey(query, `SELECT key, count(*)::int AS n FROM ${schema}.payments GROUP BY key`);
  const messages = await countByKey(
    query,
    `SELECT convert_from(payload, 'UTF8') AS key, count(*)::int AS n FROM ${schema}.onceguard_outbox GROUP BY 1`,
  );
  const done = await doneRecords(query, schema);
  const { rows } = await query(`SELECT sum(payments)::int AS n FROM ${schema}.accounts`);
  const total = [...effects.values()].reduce((sum, n) => sum + n, 0);
  const count = (differs: (key: string, n: number, isDone: boolean) => boolean): number => {
    return keys.filter((key) => differs(key, effects.get(key) ?? 0, done.has(nameOf(key)))).length;
  };
  return {
    twoEffects: count((_key, n) => n > 1),
    effectWithoutRecord: count((_key, n, isDone) => n > 0 && !isDone),
    recordWithoutEffect: count((_key, n, isDone) => n === 0 && isDone),
    messagesAndEffects: mode === 'lease' ? 0 : count((key, n) => (messages.get(key) ?? 0) !== n),
    toldWithoutEffect: [...told].filter((key) => !effects.has(key)).length,
    accounts: Math.abs(rows[0].n - total),
  };
}

async function countByKey(query: Query, text: string): Promise<Map<string, number>> {
  const { rows } = await query(text);
  return new Map(rows.map(({ key, n }) => [key, n]));
}

export async function doneRecords(query: Query, schema: string): Promise<Set<string>> {
  const { rows } = await query(`SELECT key FROM ${schema}.onceguard_records WHERE state = 'completed'`);
  return new Set(rows.map(({ key }) => key));
}

function nameOf(key: string): string {
  return recordName({ scope: 'kills', key });
}
