// Stores that subscribe to completions, and an observer that records everything published under a prefix.
import { randomUUID } from 'node:crypto';
import type { IdempotencyStore } from '@onceguard/core';
import type { Redis } from 'ioredis';
import { expect, vi } from 'vitest';

type SubscribableStore = Required<Pick<IdempotencyStore, 'onAttemptEnded'>>;

export interface ListeningStore<Store> {
  readonly store: Store;
  /** The keys of its notifications, in order. */
  readonly notifiedKeys: string[];
  /** Resolves when it receives what is published from now on. */
  untilSubscribed(server?: Redis): Promise<void>;
}

const probePrefix = 'trial-';

/**
 * A store with a subscriber connection of its own, once it is subscribed. `redis` is any client of the same servers.
 */
export async function listeningStore<Store extends SubscribableStore>(
  store: Store,
  redis: Redis,
  prefix: string,
): Promise<ListeningStore<Store>> {
  const notifiedKeys: string[] = [];
  const trials = new Set<string>();
  store.onAttemptEnded((key) => {
    if (key.startsWith(probePrefix)) trials.add(key);
    else notifiedKeys.push(key);
  });
  const untilSubscribed = async (server = redis) => {
    const name = probePrefix + randomUUID();
    const isHeard = async () => {
      await server.publish(`${prefix}ended`, name);
      return trials.has(name);
    };
    await vi.waitUntil(isHeard, { timeout: 60_000, interval: 20 });
  };
  await untilSubscribed();
  return { store, notifiedKeys, untilSubscribed };
}

/** Records all messages under a prefix. `all` resolves with the names, once everything published so far has arrived. */
export async function recordAllMessages(redis: Redis, prefix: string) {
  const names: string[] = [];
  const client = redis.duplicate();
  client.on('pmessage', (_pattern, _channel, name) => names.push(name));
  await client.psubscribe(`${prefix}*`);
  const all = async () => {
    await redis.publish(`${prefix}bystander`, 'the last');
    await vi.waitUntil(() => names.at(-1) === 'the last', { timeout: 60_000, interval: 5 });
    expect(names.pop()).toBe('the last');
    return names;
  };
  return { all, end: () => client.disconnect() };
}
