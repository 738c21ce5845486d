// The stores that the adapter suite runs on, each test with a testbed of its own.
import { randomUUID } from 'node:crypto';
import { type IdempotencyStore, MemoryStore } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { Redis } from 'ioredis';
import { redisUrl } from '../support/redis.js';

export interface OpenedStore {
  readonly store: IdempotencyStore;
  /** The prefix of this testbed's keys on Redis. */
  readonly prefix: string;
  close(): Promise<void>;
}

export interface StoreKind {
  readonly name: 'memory' | 'Redis';
  open(): Promise<OpenedStore>;
}

export const storeKinds: readonly StoreKind[] = [
  {
    name: 'memory',
    open: async () => {
      const store = new MemoryStore();
      return { store, prefix: '', close: async () => await store.close() };
    },
  },
  { name: 'Redis', open: async () => await openRedisStore() },
];

export async function openRedisStore(prefix = `test:${randomUUID()}:`): Promise<OpenedStore> {
  const client = new Redis(redisUrl(), { enableOfflineQueue: false, lazyConnect: true, maxRetriesPerRequest: 0 });
  await client.connect();
  const store = new RedisStore({ client, prefix });
  const close = async () => {
    await store.close();
    client.disconnect();
  };
  return { store, prefix, close };
}

/** The same store with some of its verbs replaced, as a decorator over the port does. */
export function overrideVerbs(store: IdempotencyStore, verbs: Partial<IdempotencyStore>): IdempotencyStore {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(verbs, name) ?? Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
