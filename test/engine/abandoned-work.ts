// Owners that vanish, and the work that they abandon. In this process that is an owner that never ends and does not renew its lease.
import {
  type Doubt,
  type ExecuteOptions,
  executeIdempotently,
  type IdempotencyStore,
  listDoubts,
  type OperationContext,
} from '@onceguard/core';
import type { FaultStore } from '@onceguard/testing';
import { expect, vi } from 'vitest';
import { overrideVerbs } from '../../packages/testing/src/adapter-suite/support/override-verbs.js';

export const callOptions = <T = never>(
  store: FaultStore,
  options: Partial<ExecuteOptions<T>> = {},
): ExecuteOptions<T> => ({
  store,
  scope: 'tests',
  key: 'order-1',
  ...options,
});

/** The beginning of an operation. It vanishes where it awaits `vanish`, or at its end. */
export type AbandonedOperation = (context: OperationContext, vanish: () => Promise<never>) => unknown;

/**
 * Runs `begin` as an operation that then vanishes. Resolves when its lease is over at the store, and rejects where the operation did not
 * get as far. The store grants a lease of a millisecond, and the owner believes in a long one. So the owner reaches its end on a busy
 * machine too, and nobody waits for the lease.
 */
export async function abandonWork<T = never>(
  store: FaultStore,
  begin: AbandonedOperation,
  options: Partial<ExecuteOptions<T>> = {},
): Promise<void> {
  const { inner } = store;
  store.inner = overrideVerbs(inner, {
    acquire: async (name, request) => await inner.acquire(name, { ...request, leaseMs: 1 }),
  });
  try {
    await runUntilVanished(begin, { ...callOptions(store, options), leaseMs: options.ttlMs ?? 600_000 });
  } finally {
    store.inner = inner;
  }
  await vi.waitFor(async () => expect(await countLiveLeases(store)).toBe(0), { timeout: 60_000, interval: 5 });
}

/** Leaves the operation pending, without a renewal. Rejects where it fails, or does not begin. */
async function runUntilVanished<T>(begin: AbandonedOperation, options: ExecuteOptions<T>): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const vanish = async () => {
      resolve();
      return await neverSettles();
    };
    const operation = async (context: OperationContext) => {
      await begin(context, vanish);
      return await vanish();
    };
    executeIdempotently<T>(operation, { ...options, maxExecutionMs: 10 }).then(({ kind }) => {
      reject(new Error(`The operation did not begin: ${kind}`));
    }, reject);
  });
}

/** How many leases of the test are live. Reads the records by name, because a scan also finds those of other tests on the server. */
async function countLiveLeases({ calls, inner }: FaultStore): Promise<number> {
  const names = new Set(calls.map(({ key }) => key));
  const replies = await Promise.all([...names].map(async (name) => await inner.read(name)));
  return replies.filter(({ record, now }) => record?.state === 'in_progress' && now < record.leaseEndAt).length;
}

/** A function that never settles. */
export const neverSettles = async () => await new Promise<never>(() => {});

export const blockPolicy = { onAbandoned: 'block' } as const;

/** Vanishes at once. */
export const vanishAtOnce: AbandonedOperation = () => {};

/** Reserves and vanishes while it charges. */
export const vanishWhileCharging: AbandonedOperation = async ({ step }, vanish) => {
  await step('reserve', () => 'r1');
  await step('charge', vanish, { atMostOnce: true });
};

/** The same work, which runs to its end. */
export const reserveAndCharge = async ({ step }: OperationContext): Promise<string> => {
  const reserved = await step('reserve', () => 'r2');
  return await step('charge', () => `charged for ${reserved}`, { atMostOnce: true });
};

/** Abandons charges that nobody may repeat, under `order-1`, `order-2`, …. */
export async function leaveDoubts(store: FaultStore, count: number): Promise<void> {
  const keys = Array.from({ length: count }, (_, n) => `order-${n + 1}`);
  for (const key of keys) await abandonWork(store, vanishWhileCharging, { ...blockPolicy, key });
}

/** Reads page after page. Some are empty on a server that other tests use too. */
export async function allDoubts(store: IdempotencyStore, limit = 1_000): Promise<Doubt[]> {
  const first = await listDoubts(store, { limit });
  const doubts = [...first.doubts];
  for (let { cursor } = first; cursor !== null; ) {
    const page = await listDoubts(store, { cursor, limit });
    doubts.push(...page.doubts);
    cursor = page.cursor;
  }
  return doubts;
}
