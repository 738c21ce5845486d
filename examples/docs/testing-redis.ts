// A program of docs/testing.md. What is between the marks is an exact copy: change both.
// node:test waits for its tests by itself.
// oxlint-disable typescript/no-floating-promises

// #region snippet

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { executeIdempotently } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { startFaultProxy, startRedis } from '@onceguard/testing';

test('Redis grants the lease and its reply is lost: the work runs, once', async (t) => {
  const redis = await startRedis();
  const proxy = await startFaultProxy(redis.url);
  const store = await RedisStore.connect({ url: proxy.url, callTimeoutMs: 5_000 });
  t.after(async () => {
    await store.close();
    await proxy.close();
    await redis.stop();
  });

  let runs = 0;
  const injected = proxy.injectFault('lose_reply', /evalsha/i); // the next one
  const execution = await executeIdempotently(() => ++runs, { store, scope: 'shop', key: 'order-1' });
  await injected;
  assert.equal(execution.kind, 'executed');
  assert.equal(runs, 1);
});

// #endregion
