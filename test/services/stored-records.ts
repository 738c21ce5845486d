// Lists a store page by page: on a Redis that others use too, a page may be empty and not the last.
import { type Doubt, type IdempotencyStore, listDoubts } from '@onceguard/core';
import type { StoredRecord } from '@onceguard/core/store';

export async function recordsIn(store: IdempotencyStore): Promise<StoredRecord[]> {
  const found: StoredRecord[] = [];
  for (let cursor: string | null = null; ; ) {
    const page = await store.scan({ cursor, limit: 1_000 });
    found.push(...page.records.map(({ record }) => record));
    cursor = page.cursor;
    if (cursor === null) return found;
  }
}

export async function doubtsIn(store: IdempotencyStore): Promise<Doubt[]> {
  const found: Doubt[] = [];
  for (let cursor: string | null = null; ; ) {
    const page = await listDoubts(store, { cursor });
    found.push(...page.doubts);
    cursor = page.cursor;
    if (cursor === null) return found;
  }
}
