// Operations that a store acknowledges, and what happens when they are repeated.
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { type IdempotencyStore, StoreError } from '@onceguard/core';
import {
  acquireLease,
  acquireRequest,
  completionOf,
  dayMs,
} from '../../../packages/testing/src/store-suite/test-helpers.js';

const minuteMs = 60_000;

export interface Losses {
  /** Operations whose acquire and complete the store acknowledged. */
  readonly acknowledged: number;
  /** Operations that the store rejected with an error. */
  readonly refused: number;
  /** Acknowledged operations that a repeat would run again. */
  readonly runAgain: number;
  /** Acknowledged operations whose repeat learns that they are done, but not their outcome. */
  readonly outcomeGone: number;
}

/** How operations follow each other. They stop at `count` or at `signal`, whichever is first. */
export interface OperationSchedule {
  readonly count?: number;
  readonly signal?: AbortSignal;
  /** The time between the end of one and the beginning of the next. Default 0. */
  readonly intervalMs?: number;
  readonly result?: string;
}

/** Runs operations one after the other, each under its own key. They expire as if they were a minute apart. */
export class CountedOperations {
  readonly #acknowledged: string[] = [];
  #refused = 0;

  async run(store: IdempotencyStore, course: OperationSchedule): Promise<void> {
    const { count = Number.POSITIVE_INFINITY, signal, intervalMs = 0, result = 'paid' } = course;
    for (let made = 0; made < count && signal?.aborted !== true; made += 1) {
      const key = randomUUID();
      const ttlMs = dayMs + made * minuteMs;
      if (await isAcknowledged(store, key, result, ttlMs)) this.#acknowledged.push(key);
      else this.#refused += 1;
      if (intervalMs > 0) await pause(intervalMs);
    }
  }

  /** What this store knows of them. Changes nothing. */
  async losses(store: IdempotencyStore): Promise<Losses> {
    let [runAgain, outcomeGone] = [0, 0];
    for (const key of this.#acknowledged) {
      // Its notAfter has already passed, so it cannot acquire anything.
      const { kind } = await store.acquire(key, acquireRequest({ notAfter: 0 }));
      if (kind === 'expired') outcomeGone += 1;
      else if (kind !== 'completed') runAgain += 1;
    }
    return { acknowledged: this.#acknowledged.length, refused: this.#refused, runAgain, outcomeGone };
  }
}

async function isAcknowledged(store: IdempotencyStore, key: string, result: string, ttlMs: number): Promise<boolean> {
  try {
    const lease = await acquireLease({ store, key }, { recordTtlMs: ttlMs });
    const { kind } = await store.complete(lease, completionOf(result, { outcomeTtlMs: ttlMs }));
    return kind === 'ok' || kind === 'restored';
  } catch (error) {
    if (error instanceof StoreError) return false;
    throw error;
  }
}
