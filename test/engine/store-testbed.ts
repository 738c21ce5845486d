// The stores that the engine's tests run on. Each test has its own records and a store with injected faults.
import { randomUUID } from 'node:crypto';
import { drainStore, type IdempotencyStore, MemoryStore } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { FaultStore, manualClock } from '@onceguard/testing';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { recordKeys } from '../../packages/core/src/stores/redis/wire/scripts/record-layout.js';
import { redisUrl } from '../support/redis.js';

export interface StoreTestbed {
  readonly store: FaultStore;
  /** The store loses the record: a failover to an empty copy, an eviction. */
  loseRecord(name: string): Promise<void>;
}

export interface MemoryTestbed extends StoreTestbed {
  /** Advances the store's clock, and no other clock. */
  advance(ms: number): void;
}

/** A memory store whose clock advances only when the test says so. */
export function memoryTestbed({ timeoutMs = 200 } = {}): MemoryTestbed {
  const clock = manualClock();
  const fresh = () => new MemoryStore({ clock: clock.now });
  const store = new FaultStore(fresh(), timeoutMs);
  const loseRecord = async () => {
    store.inner = fresh();
  };
  return { store, loseRecord, advance: clock.advance };
}

const patientTimeoutMs = 20_000;

/** For tests that wait for the deadline of a call. */
export const briefTimeout = { timeoutMs: 2_000 };

/** Declares the tests twice: on a memory store and on Redis. `open` creates the testbed of one test. */
export function onEveryStore(title: string, declare: (open: OpenTestbed) => void): void {
  describe(`${title} (memory)`, () => declare(openMemoryTestbed));
  onRedis(title, declare);
}

/** By default no machine is too busy to reply within the deadline of a call. */
type OpenTestbed = (options?: { timeoutMs?: number }) => StoreTestbed;

function onRedis(title: string, declare: (open: OpenTestbed) => void): void {
  describe(`${title} (Redis)`, () => {
    let client: Redis;
    beforeAll(async () => {
      client = new Redis(redisUrl(), { enableOfflineQueue: false, lazyConnect: true, maxRetriesPerRequest: 0 });
      await client.connect();
    });
    afterAll(() => client.disconnect());
    declare((options) => openRedisTestbed(client, options));
  });
}

/** A memory store whose clock runs by itself. */
function openMemoryTestbed({ timeoutMs = patientTimeoutMs } = {}): StoreTestbed {
  const store = new FaultStore(new MemoryStore(), timeoutMs);
  const loseRecord = async () => {
    store.inner = new MemoryStore();
  };
  return { store, loseRecord };
}

function openRedisTestbed(client: Redis, { timeoutMs = patientTimeoutMs } = {}): StoreTestbed {
  const prefix = `engine:${randomUUID()}:`;
  const store = new FaultStore(new RedisStore({ client, prefix }), timeoutMs);
  const loseRecord = async (name: string) =>
    void (await client.del(recordKeys(prefix, name).record, recordKeys(prefix, name).side));
  return { store, loseRecord };
}

/** The record's name at the store. Known after the first call. */
export function recordNameIn(store: FaultStore): string {
  const { key } = store.calls[0] ?? { key: undefined };
  if (key === undefined) throw new Error('The store has not been called.');
  return key;
}

/** The state of the record after the background work has drained; null without a record. */
export async function stateAfterDrain(store: FaultStore): Promise<string | null> {
  expect(await drainStore(store, { timeoutMs: 60_000 })).toBe(true);
  return (await recordOf(store.inner, recordNameIn(store)))?.state ?? null;
}

export async function recordOf(store: IdempotencyStore, name: string) {
  return (await store.read(name)).record;
}

const rejections: unknown[] = [];
const note = (reason: unknown) => void rejections.push(reason);

beforeAll(() => void process.on('unhandledRejection', note));
afterAll(() => void process.off('unhandledRejection', note));
afterEach(() => {
  expect(rejections.splice(0)).toEqual([]);
});
