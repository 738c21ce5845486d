// The highest fencing tokens that this process has seen, so that they grow even where a store lost the record.
import { processWide } from '../process-wide.js';
import type { IdempotencyStore } from '../store/port.js';

/** How many keys are remembered at least, and half of how many at most; the oldest are forgotten first. */
const minRememberedKeys = 10_000;

/** What all copies of this package know of one store. */
export interface FencingTokensOfStore {
  /** The highest one of this record; 0 where none was seen. */
  highest(name: string): number;
  observe(name: string, fence: number): void;
}

export function highestFencingTokensOf(store: IdempotencyStore): FencingTokensOfStore {
  const all = processWide('fences/1', () => new WeakMap<IdempotencyStore, FencingTokensOfStore>());
  const known = all.get(store);
  if (known !== undefined) return known;
  const seen = new HighestFencingTokens();
  const fences: FencingTokensOfStore = {
    highest: (name) => seen.highest(name),
    observe: (name, fence) => seen.observe(name, fence),
  };
  all.set(store, fences);
  return fences;
}

/** Two generations, because forgetting the oldest key of a Map one by one costs a walk over all that were forgotten before. */
export class HighestFencingTokens {
  #recent = new Map<string, number>();
  #older: ReadonlyMap<string, number> = this.#recent;

  highest(name: string): number {
    return this.#recent.get(name) ?? this.#older.get(name) ?? 0;
  }

  observe(name: string, fence: number): void {
    this.#recent.set(name, Math.max(fence, this.highest(name)));
    if (this.#recent.size < minRememberedKeys) return;
    this.#older = this.#recent;
    this.#recent = new Map();
  }
}
