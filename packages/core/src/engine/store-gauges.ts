// What a process knows about its stores at this moment, for gauges. Shared by all copies of this package.
import { processWide } from '../process-wide.js';

/** What this process knows about the stores of one name at this moment. */
export interface StoreGauges {
  /** The name of the store. */
  readonly store: string;
  /** How many outcomes wait in this process for the store, which could not record them at once. They are lost if the process ends. */
  readonly pendingResults: number;
  /** How many records needed a decision when `watchDoubts` last looked. Null: nothing watches this store. */
  readonly doubts: number | null;
}

interface Entry {
  pendingResults: number;
  doubts: number | null;
}

/**
 * Reads the gauges of every store that this process has used so, one entry for each name of a store. Calls no store.
 *
 * @example
 * for (const { store, pendingResults } of readStoreGauges()) console.log(store, pendingResults);
 */
export function readStoreGauges(): StoreGauges[] {
  return [...entries()].map(([store, entry]) => ({ store, ...entry }));
}

/** Adds to the number of outcomes that wait for the store. */
export function addPendingResults(store: string, count: number): void {
  entryOf(store).pendingResults += count;
}

/** Sets how many records need a decision. Null: nothing watches the store any more. */
export function setDoubts(store: string, count: number | null): void {
  entryOf(store).doubts = count;
}

function entryOf(store: string): Entry {
  const known = entries().get(store);
  if (known !== undefined) return known;
  const entry: Entry = { pendingResults: 0, doubts: null };
  entries().set(store, entry);
  return entry;
}

function entries(): Map<string, Entry> {
  return processWide('gauges/1', () => new Map());
}
