// Owners at work while servers fail: collects what was acknowledged to them, and checks whether it was lost.
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { drainStore, executeIdempotently, type IdempotencyStore } from '@onceguard/core';
import { expect, vi } from 'vitest';
import { acquireRequest } from '../../packages/testing/src/store-suite/test-helpers.js';
import { acquireWithSharedToken, keysOnAllShards } from './store-writes-again.js';

const pauseMs = 20;
const batchSize = 50;

/** An acquisition that was granted. */
interface Grant {
  readonly key: string;
  readonly ownerToken: string;
  readonly fencingToken: number;
}

/**
 * Acquisitions and payments, each under its own key, and some keys that are in use all the time. Before a fault that
 * ends a master, load one store only: Redis replies to its clients one after the other and sends to its replicas in
 * between, so that of several clients one may have a reply that no replica will ever have. A client alone gets its
 * reply after the replicas.
 */
export class BackgroundLoad {
  readonly errors: unknown[] = [];
  readonly #granted: Grant[] = [];
  readonly #paid: string[] = [];
  readonly #lanes: Promise<unknown>;
  #stopped = false;

  constructor(
    readonly store: IdempotencyStore,
    lanes = 4,
  ) {
    this.#lanes = Promise.all(Array.from({ length: lanes }, async () => await this.#runLane()));
  }

  get acknowledged(): number {
    return this.#granted.length + this.#paid.length;
  }

  /** Resolves when this many more calls have been acknowledged. */
  async untilMoreAcknowledged(more = 200): Promise<void> {
    const goal = this.acknowledged + more;
    await vi.waitUntil(() => this.acknowledged >= goal, 60_000);
  }

  /** Resolves at the next error of the store. */
  async untilNextError(): Promise<void> {
    const before = this.errors.length;
    await vi.waitUntil(() => this.errors.length > before, 60_000);
  }

  /**
   * Resolves when all calls have ended, also those in the background. A call without a result ended in a typed error.
   */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#lanes;
    for (const error of this.errors) {
      expect(error).toMatchObject({
        code: 'store_unavailable',
        class: expect.stringMatching(/^(unavailable|unknown)$/),
      });
    }
    expect(await drainStore(this.store)).toBe(true);
  }

  /** The keys that were acknowledged and are not in this store, which sees the current data. */
  async keysLostAt(witness: IdempotencyStore): Promise<string[]> {
    const granted = await inBatches(this.#granted, async (grant) => await isStillHeld(witness, grant));
    const paid = await inBatches(this.#paid, async (key) => await isReplayed(witness, key));
    return [
      ...this.#granted.flatMap(({ key }, index) => (granted[index] ? [] : [key])),
      ...this.#paid.filter((_, index) => !paid[index]),
    ];
  }

  async #runLane(): Promise<void> {
    for (let round = 0; !this.#stopped; round += 1) {
      const calls = [
        this.#acquire(randomUUID()),
        this.#pay(randomUUID()),
        acquireWithSharedToken(this.store, keysOnAllShards[round % keysOnAllShards.length] ?? ''),
      ];
      for (const end of await Promise.allSettled(calls)) if (end.status === 'rejected') this.errors.push(end.reason);
      await pause(pauseMs);
    }
  }

  async #acquire(key: string): Promise<void> {
    const request = acquireRequest();
    const reply = await this.store.acquire(key, request);
    if (reply.kind === 'acquired')
      this.#granted.push({ key, ownerToken: request.ownerToken, fencingToken: reply.fencingToken });
  }

  async #pay(key: string): Promise<void> {
    const end = await executeIdempotently(() => key, { store: this.store, scope: 'load', key });
    if (end.kind === 'executed' && end.recorded) this.#paid.push(key);
  }
}

async function isStillHeld(witness: IdempotencyStore, { key, ownerToken, fencingToken }: Grant): Promise<boolean> {
  const { record } = await witness.read(key);
  return record?.ownerToken === ownerToken && record.fencingToken === fencingToken;
}

async function isReplayed(witness: IdempotencyStore, key: string): Promise<boolean> {
  const end = await executeIdempotently(() => 'run again', { store: witness, scope: 'load', key });
  return end.kind === 'replayed' && end.value === key;
}

async function inBatches<T, Result>(all: readonly T[], call: (item: T) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (let index = 0; index < all.length; index += batchSize) {
    results.push(...(await Promise.all(all.slice(index, index + batchSize).map(call))));
  }
  return results;
}
