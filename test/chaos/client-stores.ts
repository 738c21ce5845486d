// The stores of one process. Each uses another kind of client, and reaches the server through a proxy of its own.
import type { IdempotencyStore } from '@onceguard/core';
import { RedisStore, safeRedisOptions } from '@onceguard/core/redis';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import type { ClientName } from './call-plan.js';

/** The deadline of one store call. */
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

/** Whether the client closes a connection that gets no replies. ioredis with default options does not. */
export function leavesSilentConnection(client: ClientName): boolean {
  return client === 'safe 6' || client === 'safe 5';
}

/** ioredis prints every error that has no listener. */
function ignoringErrors<Client extends Redis | Redis5>(client: Client): Client {
  client.on('error', () => {});
  return client;
}

function connectInBackground(client: Redis5): Redis5 {
  ignoringErrors(client);
  // The promise rejects although the client goes on trying to connect.
  client.connect().catch(() => {});
  return client;
}
