// RedisStore proves itself by the published contract, on both majors of its client.
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import { afterAll, describe, test } from 'vitest';
import { RedisStore } from '../../packages/core/src/stores/redis/index.js';
import { storeSuite } from '../../packages/testing/src/index.js';
import { redisUrl } from '../support/redis.js';

const safely = { enableOfflineQueue: true, maxRetriesPerRequest: 0 };

const clients = [
  { name: 'ioredis 6', client: new Redis(redisUrl(), safely), peerClient: new Redis(redisUrl(), safely) },
  { name: 'ioredis 5', client: new Redis5(redisUrl(), safely), peerClient: new Redis5(redisUrl(), safely) },
];

for (const { name, client, peerClient } of clients) {
  storeSuite({
    name: `RedisStore with ${name}`,
    runner: { describe, test },
    capabilities: { shared: true, controllableClock: false },
    async create() {
      const prefix = `suite:${randomUUID()}:`;
      const store = new RedisStore({ client, prefix });
      const peer = new RedisStore({ client: peerClient, prefix });
      return { store, peer, close: () => peer.close() };
    },
  });

  afterAll(() => {
    client.disconnect();
    peerClient.disconnect();
  });
}
