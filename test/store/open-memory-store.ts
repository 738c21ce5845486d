// A MemoryStore on a manual clock, with short calls to acquire and complete.
import { randomUUID } from 'node:crypto';
import type { AcquireRequest, Lease } from '../../packages/core/src/protocol/index.js';
import { MemoryStore } from '../../packages/core/src/stores/memory/memory-store.js';
import type { MemoryStoreOptions } from '../../packages/core/src/stores/memory/memory-store-options.js';
import { manualClock } from '../../packages/testing/src/index.js';

export const hourMs = 3_600_000;
export const retention = { recordTtlMs: 2 * hourMs, outcomeTtlMs: 2 * hourMs, unknownTtlMs: 2 * hourMs };

export function openStore(options: MemoryStoreOptions) {
  const clock = manualClock();
  const store = new MemoryStore({ clock: clock.now, ...options });
  return {
    clock,
    store,
    async acquire(key: string, overrides: Partial<AcquireRequest> = {}): Promise<Lease> {
      const fixed = {
        fingerprint: null,
        leaseMs: 10,
        onAbandoned: 'rerun',
        notAfter: 1e14,
        lastSeenFencingToken: 0,
        operation: 'POST /payments',
        label: null,
        traceparent: null,
      } as const;
      const { recordTtlMs = retention.recordTtlMs } = overrides;
      const outcomeTtlMs = Math.min(retention.outcomeTtlMs, recordTtlMs);
      const request = { ownerToken: randomUUID(), ...fixed, ...retention, outcomeTtlMs, ...overrides };
      const reply = await store.acquire(key, request);
      if (reply.kind !== 'acquired') throw new Error(`${key} is ${reply.kind}`);
      return { ...request, ...reply, key };
    },
    complete(lease: Lease, length: number) {
      const outcome = Buffer.alloc(length);
      return store.complete(lease, { outcome, outcomeTtlMs: hourMs, note: null, notAfter: 0 });
    },
  };
}
