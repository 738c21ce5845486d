// The highest fencing tokens that this process has seen, so that they grow even where a store lost the record.
import { processWide } from '../process-wide.js';
import type { IdempotencyStore } from '../store/port.js';

/** How many keys are remembered at least, and half of how many at most; the oldest are forgotten first. */
const keysRemembered = 10_000;

/** What all copies of this package know of one store. */
export interface FencesOfStore {
  /** The highest one of this record; 0 where none was seen. */
  of(name: string): number;
  saw(name: string, fence: number): void;
}

export function fencesSeenAt(store: IdempotencyStore): FencesOfStore {
  const all = processWide('fences/1', () => new WeakMap<IdempotencyStore, FencesOfStore>());
  const known = all.get(store);
  if (known !== undefined) return known;
  const seen = new FencesSeen();
  const fences: FencesOfStore = { of: (name) => seen.of(name), saw: (name, fence) => seen.saw(name, fence) };
  all.set(store, fences);
  return fences;
}

/** Two generations, because forgetting the oldest key of a Map one by one costs a walk over all that were forgotten before. */
export class FencesSeen {
  #recent = new Map<string, number>();
  #older: ReadonlyMap<string, number> = this.#recent;

  of(name: string): number {
    return this.#recent.get(name) ?? this.#older.get(name) ?? 0;
  }

  saw(name: string, fence: number): void {
    this.#recent.set(name, Math.max(fence, this.of(name)));
    if (this.#recent.size < keysRemembered) return;
    this.#older = this.#recent;
    this.#recent = new Map();
  }
}
