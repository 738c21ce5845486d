// Clients of one server as users make them: both supported versions of ioredis, with default and with safe options.
import { type RedisClient, safeRedisOptions } from '@onceguard/core/redis';
import { Redis } from 'ioredis';
import { Redis as Redis5, type RedisOptions as RedisOptions5 } from 'ioredis5';

export interface OwnedClient extends RedisClient {
  disconnect(): void;
}

export interface StandaloneClient {
  readonly name: string;
  /** Begins to connect at once, and continues until `disconnect()`. Connection errors are not printed. */
  make(url: string): OwnedClient;
}

export const standaloneClients: readonly StandaloneClient[] = [
  { name: 'ioredis 6, default options', make: (url) => ignoringErrors(new Redis(url)) },
  { name: 'ioredis 6, safe options', make: (url) => connectInBackground(new Redis(url, safeRedisOptions())) },
  { name: 'ioredis 5, default options', make: (url) => ignoringErrors(new Redis5(url)) },
  // The two versions' types differ in options that are not used here.
  {
    name: 'ioredis 5, safe options',
    make: (url) => connectInBackground(new Redis5(url, safeRedisOptions() as RedisOptions5)),
  },
];

function ignoringErrors<Client extends Redis | Redis5>(client: Client): Client {
  client.on('error', () => {});
  return client;
}

/** For a client that connects on demand. Its connect rejects although the client keeps connecting. */
function connectInBackground<Client extends Redis | Redis5>(client: Client): Client {
  client.connect().catch(() => {});
  return ignoringErrors(client);
}
