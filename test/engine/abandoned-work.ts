// Owners that vanish, and the work that they leave behind: in this process, by a lease that is not renewed.
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

/** Begins the work, does this much of it, and vanishes; resolves when its lease is over. */
export async function abandonWork<T = never>(
  store: FaultStore,
  begin: (context: OperationContext) => unknown,
  options: Partial<ExecuteOptions<T>> = {},
): Promise<void> {
  const operation = async (context: OperationContext): Promise<T> => {
    // What it waits for may never come.
    void Promise.resolve(begin(context)).catch(() => {});
    await untilAborted(context.signal);
    throw new Error('nobody hears this');
  };
  // Not renewed once, and long enough for a slow machine to begin.
  const terms = { leaseMs: 300, maxExecutionMs: 10 };
  await executeIdempotently(operation, { ...callOptions(store, options), ...terms }).catch(() => {});
  // The owner stops believing before the store does.
  await vi.waitFor(async () => expect(await countLiveLeases(store)).toBe(0), { timeout: 10_000, interval: 5 });
}

/** Of all records that the test has: asked for by name, since a search sees what others have on the server. */
async function countLiveLeases({ calls, inner }: FaultStore): Promise<number> {
  const names = new Set(calls.map(({ key }) => key));
  const answers = await Promise.all([...names].map(async (name) => await inner.read(name)));
  return answers.filter(({ record, now }) => record?.state === 'in_progress' && now < record.leaseEndAt).length;
}

/** A function that never answers. */
export const neverSettles = async () => await new Promise<never>(() => {});

export const blockPolicy = { onAbandoned: 'block' } as const;

/** Reserves, and vanishes while it charges. */
export const vanishWhileCharging = async ({ step }: OperationContext): Promise<void> => {
  await step('reserve', () => 'r1');
  await step('charge', neverSettles, { atMostOnce: true });
};

/** The same work, to its end. */
export const reserveAndCharge = async ({ step }: OperationContext): Promise<string> => {
  const reserved = await step('reserve', () => 'r2');
  return await step('charge', () => `charged for ${reserved}`, { atMostOnce: true });
};

/** Under `order-1`, `order-2`, …: charges that nobody may repeat. */
export async function leaveDoubts(store: FaultStore, count: number): Promise<void> {
  const keys = Array.from({ length: count }, (_, n) => `order-${n + 1}`);
  await Promise.all(keys.map((key) => abandonWork(store, vanishWhileCharging, { ...blockPolicy, key })));
}

/** Page after page: on a server that others use too, some are empty. */
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
