// Lists all records of a store that wait for a decision.
import { type Doubt, type DoubtPage, type IdempotencyStore, listDoubts } from '@onceguard/core';

export async function allDoubts(store: IdempotencyStore): Promise<Doubt[]> {
  const all: Doubt[] = [];
  let page: DoubtPage | null = null;
  do {
    page = await listDoubts(store, { cursor: page?.cursor ?? null, limit: 1_000 });
    all.push(...page.doubts);
  } while (page.cursor !== null);
  return all;
}
