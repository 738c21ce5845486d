// One process of the payments API on Redis, for the scene in which a server is killed. Prints its port when it listens.
import type { AddressInfo } from 'node:net';
import { RedisStore } from '@onceguard/core/redis';
import { paymentsApi } from './api.js';

const [redisUrl = '', bankUrl = '', prefix = ''] = process.argv.slice(2);
const store = await RedisStore.connect({ url: redisUrl, prefix });
// Short, so that the second server takes over soon.
const leaseMs = 2_000;

const server = paymentsApi(store, bankUrl, leaseMs).listen(0, '127.0.0.1', () => {
  process.send?.((server.address() as AddressInfo).port);
});
