// The stores on which the adapter suite runs.
import { type IdempotencyStore, MemoryStore } from '@onceguard/core';
import { manualClock } from '../manual-clock.js';

/** A store of one test. */
export interface OpenedStore {
  readonly store: IdempotencyStore;
  close(): Promise<void>;
  /** All that the store keeps, as text, read without the store. Default: what `scan` returns. */
  dump?(): Promise<string>;
}

/** A kind of store, of which each test opens one of its own. */
export interface SuiteStore {
  readonly name: string;
  open(): Promise<OpenedStore>;
  /** The same with a clock that the test moves. Left out: tests wait for the time of the store. */
  openWithClock?(): Promise<OpenedStore & { advance(ms: number): void }>;
}

/** A `MemoryStore` for each test. */
export const memoryStores: SuiteStore = {
  name: 'memory',
  open: async () => {
    const store = new MemoryStore();
    return { store, close: async () => await store.close() };
  },
  openWithClock: async () => {
    const clock = manualClock();
    const store = new MemoryStore({ clock: clock.now });
    return { store, close: async () => await store.close(), advance: clock.advance };
  },
};
