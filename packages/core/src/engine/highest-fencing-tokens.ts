// The highest fencing tokens that this process has seen, so that tokens grow even where a store has lost the record.
import { processWide } from '../process-wide.js';
import type { IdempotencyStore } from '../store/port.js';
import { hashOf, TokenTable } from './token-table.js';

/** At least this many keys are remembered, and at most twice as many. The oldest are forgotten first. */
const minRememberedKeys = 10_000;

/** The tokens of one store, shared by all copies of this package in the process. */
export interface FencingTokensOfStore {
  /** The highest token of this record; 0 where none was seen. */
  highest(recordName: string): number;
  observe(recordName: string, fencingToken: number): void;
}

export function highestFencingTokensOf(store: IdempotencyStore): FencingTokensOfStore {
  const all = processWide('fencing-tokens/1', () => new WeakMap<IdempotencyStore, FencingTokensOfStore>());
  const known = all.get(store);
  if (known !== undefined) return known;
  const tokens = new HighestFencingTokens();
  // A plain object, not the instance: another version of this package may use it.
  const shared: FencingTokensOfStore = {
    highest: (recordName) => tokens.highest(recordName),
    observe: (recordName, fencingToken) => tokens.observe(recordName, fencingToken),
  };
  all.set(store, shared);
  return shared;
}

/** Keeps two generations and drops the older one as a whole. */
export class HighestFencingTokens {
  #recent = new TokenTable();
  #older = new TokenTable();

  highest(recordName: string): number {
    const hash = hashOf(recordName);
    return Math.max(this.#recent.get(hash), this.#older.get(hash));
  }

  observe(recordName: string, fencingToken: number): void {
    const hash = hashOf(recordName);
    this.#recent.raise(hash, Math.max(fencingToken, this.#older.get(hash)));
    if (this.#recent.size < minRememberedKeys) return;
    this.#older = this.#recent;
    this.#recent = new TokenTable();
  }
}
