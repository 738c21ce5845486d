// A program of docs/testing.md. What is between the marks is an exact copy: change both.

// #region snippet

import { RedisStore } from '@onceguard/core/redis';
import { startRedisCluster } from '@onceguard/testing';

const cluster = await startRedisCluster();
const store = await RedisStore.connect({ cluster: cluster.addresses });
await cluster.masters[0]?.kill();
await cluster.waitUntilOk(); // a replica has taken its place
console.log(await store.read('still-there'));
await store.close();
await cluster.stop();

// #endregion
