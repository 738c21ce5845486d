// Owners that vanish, and the work that they abandon. In this process that is an owner whose lease is not renewed.
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
import { untilAborted } from '../support/until-aborted.js';

export const callOptions = <T = never>(
  store: FaultStore,
  options: Partial<ExecuteOptions<T>> = {},
): ExecuteOptions<T> => ({
  store,
  scope: 'tests',
  key: 'order-1',
  ...options,
});

/** Runs `begin` as an operation that then vanishes. Resolves when its lease is over. */
export async function abandonWork<T = never>(
  store: FaultStore,
  begin: (context: OperationContext) => unknown,
  options: Partial<ExecuteOptions<T>> = {},
): Promise<void> {
  const operation = async (context: OperationContext): Promise<T> => {
    // The operation may wait for something that never happens.
    void Promise.resolve(begin(context)).catch(() => {});
    await untilAborted(context.signal);
    throw new Error('nobody hears this');
  };
  // No renewal happens within it, and a slow machine can still begin.
  const terms = { leaseMs: 300, maxExecutionMs: 10 };
  await executeIdempotently(operation, { ...callOptions(store, options), ...terms }).catch(() => {});
  // The owner considers its lease over before the store does.
  await vi.waitFor(async () => expect(await countLiveLeases(store)).toBe(0), { timeout: 10_000, interval: 5 });
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

/** Reserves and vanishes while it charges. */
export const vanishWhileCharging = async ({ step }: OperationContext): Promise<void> => {
  await step('reserve', () => 'r1');
  await step('charge', neverSettles, { atMostOnce: true });
};

/** The same work, which runs to its end. */
export const reserveAndCharge = async ({ step }: OperationContext): Promise<string> => {
  const reserved = await step('reserve', () => 'r2');
  return await step('charge', () => `charged for ${reserved}`, { atMostOnce: true });
};

/** Abandons charges that nobody may repeat, under `order-1`, `order-2`, …. */
export async function leaveDoubts(store: FaultStore, count: number): Promise<void> {
  const keys = Array.from({ length: count }, (_, n) => `order-${n + 1}`);
  await Promise.all(keys.map((key) => abandonWork(store, vanishWhileCharging, { ...blockPolicy, key })));
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
