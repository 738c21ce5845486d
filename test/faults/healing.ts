// Whether a store has healed: by itself, within five seconds of the servers being well.
import { randomUUID } from 'node:crypto';
import type { IdempotencyStore } from '@onceguard/core';
import { expect, vi } from 'vitest';
import { request } from '../../packages/testing/src/store-suite/requests.js';

/** In a cluster of three masters they lie on all of them. */
export const someKeys: readonly string[] = [...'abcdefghijklmnopqrstuvwxyz'];
const token = randomUUID();
const promisedMs = 5_000;

/**
 * To be called as soon as the servers are well. Fails unless the store writes records in time, on every shard, and before that
 * calls failed with typed errors only.
 */
export async function heals(store: IdempotencyStore, keys = someKeys): Promise<void> {
  const errors: unknown[] = [];
  const writes = async (key: string) => {
    await write(store, key).catch((error: unknown) => {
      errors.push(error);
      throw error;
    });
  };
  await vi.waitFor(async () => await Promise.all(keys.map(writes)), { timeout: promisedMs, interval: 20 });
  for (const error of errors) expect(error).toMatchObject({ code: 'store_unavailable' });
}

/** Acquires as all that call this do, with one token. */
export async function write(store: IdempotencyStore, key: string): Promise<void> {
  expect(await store.acquire(key, request({ token }))).toMatchObject({ kind: 'acquired' });
}
