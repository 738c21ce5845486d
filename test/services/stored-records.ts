// Lists a store page by page: on a Redis that others use too, a page may be empty and not the last.
import { type Doubt, type IdempotencyStore, listDoubts } from '@onceguard/core';
import type { StoredRecord } from '@onceguard/core/store';

export async function recordsIn(store: IdempotencyStore): Promise<StoredRecord[]> {
  const records: StoredRecord[] = [];
  for (let cursor: string | null = null; ; ) {
    const page = await store.scan({ cursor, limit: 1_000 });
    records.push(...page.records.map(({ record }) => record));
    cursor = page.cursor;
    if (cursor === null) return records;
  }
}

export async function doubtsIn(store: IdempotencyStore): Promise<Doubt[]> {
  const doubts: Doubt[] = [];
  for (let cursor: string | null = null; ; ) {
    const page = await listDoubts(store, { cursor });
    doubts.push(...page.doubts);
    cursor = page.cursor;
    if (cursor === null) return doubts;
  }
}
