// Deletes what has ended: records, and outcomes of records that are kept longer.
import type { StoredRow } from '../../store/compare-and-swap-table.js';
import { decodeRowOr, deletableAt, noLimit, type TableClient } from './table-client.js';

/** What `purge` did. */
export interface PurgeResult {
  /** Records that had ended. */
  readonly deleted: number;
  /** Records whose outcome had ended: they are tombstones now. */
  readonly kept: number;
}

/** Rows in memory, each with the bytes of its outcome. */
const maxPurgedPage = 100;

/** Purges at most `max` records, page by page. `call` gives each call of the table its deadline. */
export async function purgeTable(
  table: TableClient,
  max: number,
  call: <T>(run: () => Promise<T>) => Promise<T>,
): Promise<PurgeResult> {
  let [deleted, kept, after] = [0, 0, ''];
  for (let isLast = false; !isLast && deleted + kept < max; ) {
    const limit = Math.min(maxPurgedPage, max - deleted - kept);
    const { now, rows } = await call(() => table.list({ filter: 'due', after, limit }));
    for (const row of rows) {
      const done = await call(() => purgeRow(table, row, now));
      if (done === 'deleted') deleted += 1;
      if (done === 'kept') kept += 1;
    }
    isLast = rows.length < limit;
    after = rows.at(-1)?.key ?? after;
  }
  return { deleted, kept };
}

async function purgeRow(table: TableClient, row: StoredRow, now: number): Promise<'deleted' | 'kept' | 'unchanged'> {
  const record = decodeRowOr(row, null);
  if (record === null) return 'unchanged';
  if (now >= deletableAt(record)) return (await table.delete(row)) ? 'deleted' : 'unchanged';
  if (record.outcome === null || now < record.outcomeEndAt) return 'unchanged';
  const tombstone = { ...record, outcome: null };
  return (await table.write(row.key, row, tombstone, noLimit)) ? 'kept' : 'unchanged';
}
