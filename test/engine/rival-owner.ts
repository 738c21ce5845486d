// Another owner of a key, which calls the store directly, without the engine.
import { randomUUID } from 'node:crypto';
import type { IdempotencyStore } from '@onceguard/core';
import type { Acquired, Completion, Lease } from '@onceguard/core/store';
import { expect } from 'vitest';
import { addOutcomeChecksum } from '../../packages/core/src/engine/checksum.js';

const terms = { recordTtlMs: 60_000, outcomeTtlMs: 60_000, unknownTtlMs: 60_000 };
/** What the engine would record for the result `of the second`. */
export function completionFor({ key }: Lease): Completion {
  const outcome = addOutcomeChecksum(key, Buffer.from('"of the second"'));
  return { outcome, outcomeTtlMs: 60_000, note: null, notAfter: 0 };
}

export async function acquireRequest(store: IdempotencyStore, overrides: { readonly fingerprint?: string } = {}) {
  const { now } = await store.read('clock');
  const asked = {
    ownerToken: randomUUID(),
    fingerprint: null,
    leaseMs: 30_000,
    onAbandoned: 'rerun',
    lastSeenFencingToken: 0,
    operation: 'rival',
    label: null,
    traceparent: null,
  } as const;
  return { ...asked, ...terms, notAfter: now + 60_000, ...overrides };
}

/** Acquires the key, and returns the lease. */
export async function acquireLease(store: IdempotencyStore, key: string, overrides = {}): Promise<Lease> {
  const request = await acquireRequest(store, overrides);
  const answer = await store.acquire(key, request);
  expect(answer.kind).toBe('acquired');
  return { key, ...request, ...(answer as Acquired) };
}

/** Removes the record, then acquires the key. */
export async function removeAndAcquire(store: IdempotencyStore, key: string, fingerprint?: string): Promise<Lease> {
  await store.remove(key);
  return await acquireLease(store, key, fingerprint === undefined ? {} : { fingerprint });
}

/** Removes the record, acquires the key and completes it. */
export async function removeAndComplete(
  store: IdempotencyStore,
  key: string,
  overrides: Partial<Completion> = {},
): Promise<void> {
  const lease = await removeAndAcquire(store, key);
  await store.complete(lease, { ...completionFor(lease), ...overrides });
}
