// Checks that a store heals by itself, within five seconds after the servers work again.
import { randomUUID } from 'node:crypto';
import type { IdempotencyStore } from '@onceguard/core';
import { expect, vi } from 'vitest';
import { acquireRequest } from '../../packages/testing/src/store-suite/test-helpers.js';

/** In a cluster of three masters they lie on all of them. */
export const keysOnAllShards: readonly string[] = [...'abcdefghijklmnopqrstuvwxyz'];
const sharedToken = randomUUID();
const recoveryLimitMs = 5_000;

/**
 * Call it as soon as the servers work. Fails unless the store writes records in time, on every shard, and calls before
 * that failed only with typed errors.
 */
export async function expectWritesAgain(store: IdempotencyStore, keys = keysOnAllShards): Promise<void> {
  const errors: unknown[] = [];
  const writes = async (key: string) => {
    await acquireWithSharedToken(store, key).catch((error: unknown) => {
      errors.push(error);
      throw error;
    });
  };
  await vi.waitFor(async () => await Promise.all(keys.map(writes)), { timeout: recoveryLimitMs, interval: 20 });
  for (const error of errors) expect(error).toMatchObject({ code: 'store_unavailable' });
}

/** Acquires with one token that all callers of this share. */
export async function acquireWithSharedToken(store: IdempotencyStore, key: string): Promise<void> {
  expect(await store.acquire(key, acquireRequest({ ownerToken: sharedToken }))).toMatchObject({ kind: 'acquired' });
}
