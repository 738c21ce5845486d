// The stores of one process: each on a client of its own kind, with a way of its own to the server.
import type { IdempotencyStore } from '@onceguard/core';
import { RedisStore, safeRedisOptions } from '@onceguard/core/redis';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import type { ClientName } from './plan.js';

/** The deadline of a call of a store. */
const storeTimeoutMs = 400;

export async function openStore(client: ClientName, url: string): Promise<IdempotencyStore> {
  switch (client) {
    case 'safe 6':
      return await RedisStore.connect({ url, storeTimeoutMs });
    case 'default 6':
      return new RedisStore({ client: listening(new Redis(url)), storeTimeoutMs });
    case 'safe 5':
      return new RedisStore({ client: connecting(new Redis5(url, safeRedisOptions(storeTimeoutMs))), storeTimeoutMs });
    case 'default 5':
      return new RedisStore({ client: listening(new Redis5(url)), storeTimeoutMs });
  }
}

/** Whether a client leaves a connection on which nothing is answered. With the default options ioredis does not. */
export function endsSilence(client: ClientName): boolean {
  return client === 'safe 6' || client === 'safe 5';
}

/** Without a listener ioredis prints every error. */
function listening<Client extends Redis | Redis5>(client: Client): Client {
  client.on('error', () => {});
  return client;
}

function connecting(client: Redis5): Redis5 {
  listening(client);
  // It rejects although the client goes on connecting.
  client.connect().catch(() => {});
  return client;
}
