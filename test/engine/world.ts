// The stores that the engine's tests run on, each test with records of its own and a store that fails as told.
import { randomUUID } from 'node:crypto';
import { drain, type IdempotencyStore, MemoryStore } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { FaultStore, manualClock } from '@onceguard/testing';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { redisUrl } from '../support/redis.js';

export interface World {
  readonly store: FaultStore;
  /** The store loses the record: a failover to an empty copy, an eviction. */
  lose(name: string): Promise<void>;
}

export interface MemoryWorld extends World {
  /** Moves the store's clock, and no other. */
  advance(ms: number): void;
}

/** A memory store, its clock in the hands of the test: it stands still unless it is moved. */
export function memoryWorld({ timeoutMs = 200 } = {}): MemoryWorld {
  const clock = manualClock();
  const fresh = () => new MemoryStore({ clock: clock.now });
  const store = new FaultStore(fresh(), timeoutMs);
  const lose = async () => {
    store.inner = fresh();
  };
  return { store, lose, advance: clock.advance };
}

/** Declares the tests twice: on a memory store and on Redis. `open` makes a world for one test. */
export function onEveryStore(title: string, declare: (open: Open) => void): void {
  describe(`${title} (memory)`, () => declare(openMemory));
  onRedis(title, declare);
}

/** With another deadline of the store where a test has so much to do that this process may be late. */
type Open = (options?: { timeoutMs?: number }) => World;

function onRedis(title: string, declare: (open: Open) => void): void {
  describe(`${title} (Redis)`, () => {
    let client: Redis;
    beforeAll(async () => {
      client = new Redis(redisUrl(), { enableOfflineQueue: false, lazyConnect: true, maxRetriesPerRequest: 0 });
      await client.connect();
    });
    afterAll(() => client.disconnect());
    declare((options) => openRedis(client, options));
  });
}

/** The clock of this one runs. */
function openMemory({ timeoutMs = 200 } = {}): World {
  const store = new FaultStore(new MemoryStore(), timeoutMs);
  const lose = async () => {
    store.inner = new MemoryStore();
  };
  return { store, lose };
}

function openRedis(client: Redis, { timeoutMs = 400 } = {}): World {
  const prefix = `engine:${randomUUID()}:`;
  const store = new FaultStore(new RedisStore({ client, prefix }), timeoutMs);
  const lose = async (name: string) => void (await client.del(`${prefix}{${name}}`, `${prefix}{${name}}:more`));
  return { store, lose };
}

/** The record's name at the store, known after the first call. */
export function nameIn(store: FaultStore): string {
  const { key } = store.calls[0] ?? { key: undefined };
  if (key === undefined) throw new Error('The store has not been called.');
  return key;
}

/** The state of the record, after everything has been said; null without a record. */
export async function stateOf(store: FaultStore): Promise<string | null> {
  expect(await drain(store)).toBe(true);
  return (await recordOf(store.inner, nameIn(store)))?.state ?? null;
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
