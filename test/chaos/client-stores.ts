// The stores of one process: each on a client of its own kind, with a way of its own to the server.
import type { IdempotencyStore } from '@onceguard/core';
import { RedisStore, safeRedisOptions } from '@onceguard/core/redis';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import type { ClientName } from './call-plan.js';

/** The deadline of a call of a store. */
const callTimeoutMs = 400;

export async function openStore(client: ClientName, url: string): Promise<IdempotencyStore> {
  switch (client) {
    case 'safe 6':
      return await RedisStore.connect({ url, callTimeoutMs });
    case 'default 6':
      return new RedisStore({ client: ignoringErrors(new Redis(url)), callTimeoutMs });
    case 'safe 5':
      return new RedisStore({
        client: connectInBackground(new Redis5(url, safeRedisOptions(callTimeoutMs))),
        callTimeoutMs,
      });
    case 'default 5':
      return new RedisStore({ client: ignoringErrors(new Redis5(url)), callTimeoutMs });
  }
}

/** Whether a client leaves a connection on which nothing is answered. With the default options ioredis does not. */
export function leavesSilentConnection(client: ClientName): boolean {
  return client === 'safe 6' || client === 'safe 5';
}

/** Without a listener ioredis prints every error. */
function ignoringErrors<Client extends Redis | Redis5>(client: Client): Client {
  client.on('error', () => {});
  return client;
}

function connectInBackground(client: Redis5): Redis5 {
  ignoringErrors(client);
  // It rejects although the client goes on connecting.
  client.connect().catch(() => {});
  return client;
}
