// A local cache around a store that counts its calls, with a clock that the test moves.
import { randomUUID } from 'node:crypto';
import { expect, vi } from 'vitest';
import { localCache, MemoryStore } from '../../packages/core/src/index.js';
import type { LocalCacheOptions } from '../../packages/core/src/stores/local-cache/local-cache-options.js';
import { FaultStore, manualClock } from '../../packages/testing/src/index.js';
import { acquireLease, acquireRequest, completionOf } from '../../packages/testing/src/store-suite/test-helpers.js';

export function openCache(options: LocalCacheOptions = {}) {
  const clock = manualClock();
  const asked = new FaultStore(new MemoryStore({ clock: clock.now }), 200);
  const store = localCache(asked, options);
  const key = randomUUID();
  const asks = async (act: () => Promise<unknown>) => {
    const before = asked.calls.length;
    await act();
    return asked.calls.length - before;
  };
  return {
    /** The store behind it, which remembers its calls; what is done to `asked.inner` another process does. */
    asked,
    store,
    key,
    /** Moves the clock of the store alone. */
    advance: clock.advance,
    /** Moves both clocks. */
    pass: (ms: number) => {
      clock.advance(ms);
      vi.advanceTimersByTime(ms);
    },
    /** How many calls of the store it takes. */
    asks,
    again: () => asks(() => store.acquire(key, acquireRequest())),
  };
}

export type CacheTestbed = ReturnType<typeof openCache>;

/** A record that is completed, and has been replayed once. */
export async function openReplayedOnce(options: LocalCacheOptions = {}, overrides: object = {}): Promise<CacheTestbed> {
  const made = openCache(options);
  await made.store.complete(await acquireLease(made), completionOf('paid', overrides));
  expect(await made.again()).toBe(1);
  return made;
}
