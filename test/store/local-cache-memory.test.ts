// localCache: the memory that it takes is bounded, whatever passes through it.
import { expect, test } from 'vitest';
import type { AcquireReply } from '../../packages/core/src/protocol/messages.js';
import { localCache } from '../../packages/core/src/stores/local-cache/local-cache.js';
import { MemoryStore } from '../../packages/core/src/stores/memory/memory-store.js';
import { liveMemory } from '../../packages/testing/src/adapter-suite/support/live-memory.js';
import { FaultStore } from '../../packages/testing/src/fault-store.js';
import { acquireRequest, hourMs } from '../../packages/testing/src/store-suite/test-helpers.js';

const KiB = 1_024;

/** Under every key work of this size is completed; as a client may, it answers with a part of something larger. */
function openCache(options: { maxBytes: number }) {
  const asked = new FaultStore(new MemoryStore());
  let bytes = 0;
  const answer = (): AcquireReply => ({
    kind: 'completed',
    outcome: Buffer.alloc(bytes + 64 * KiB).subarray(0, bytes),
    outcomeLeftMs: hourMs,
    completedAt: 1,
    note: null,
    attempt: 1,
    fencingToken: 1,
    traceparent: null,
    now: Date.now(),
  });
  asked.injectFault('acquire', async () => answer() as never);
  const store = localCache(asked, options);
  return {
    /** Whether the store had to be asked. */
    ask: async (key: string, size: number): Promise<boolean> => {
      bytes = size;
      asked.calls.length = 0;
      await store.acquire(key, acquireRequest());
      return asked.calls.length > 0;
    },
  };
}

const keys = (count: number) => Array.from({ length: count }, (_, at) => `key-${at}`);

test('What was asked for least recently makes room, and what remains is within maxBytes', async () => {
  const { ask } = openCache({ maxBytes: 100 * KiB });
  for (const key of keys(100)) {
    await ask(key, 4 * KiB);
    // Asked for again and again.
    await ask('key-0', 4 * KiB);
  }
  expect(await ask('key-0', 4 * KiB)).toBe(false);
  let kept = 1;
  for (const key of keys(100).slice(1).reverse()) {
    if (await ask(key, 4 * KiB)) break;
    kept += 1;
  }
  expect(kept).toBeGreaterThanOrEqual(20);
  expect(kept).toBeLessThanOrEqual(24);
});

test('Outcomes without bytes take room too', async () => {
  const { ask } = openCache({ maxBytes: 64 * KiB });
  for (const key of keys(1_000)) await ask(key, 0);
  expect(await ask('key-999', 0)).toBe(false);
  expect(await ask('key-872', 0)).toBe(true);
});

test('An outcome of more than an eighth of maxBytes is not kept, and pushes nothing out', async () => {
  const { ask } = openCache({ maxBytes: 80 * KiB });
  await ask('small', KiB);
  await ask('large', 10 * KiB);
  expect(await ask('large', 10 * KiB)).toBe(true);
  expect(await ask('small', KiB)).toBe(false);
  await ask('medium', 9 * KiB);
  expect(await ask('medium', 9 * KiB)).toBe(false);
});

test('200 MB of outcomes pass through 2 MiB, and memory does not grow with them', async () => {
  const { ask } = openCache({ maxBytes: 2_048 * KiB });
  for (const key of keys(100)) await ask(key, 100 * KiB);
  const before = liveMemory();
  for (const key of keys(2_000)) await ask(key, 100 * KiB);
  // Buffers that were given up are not all gone at once.
  expect(liveMemory() - before).toBeLessThan(20 * 1_024 * KiB);
});
