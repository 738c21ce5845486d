// Tries a step again and again, says when it waits for the next try, and is killed then.
import { executeIdempotently, onEvent } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { Redis } from 'ioredis';

const { url, prefix, key, leaseMs, options } = JSON.parse(process.argv[2]);
const client = new Redis(url, { enableOfflineQueue: false, lazyConnect: true, maxRetriesPerRequest: 0 });
await client.connect();

const tries = [];
onEvent('step_retried', ({ tryNumber }) => {
  if (tryNumber === 2) process.send({ tries });
});

const charge = (context) => {
  tries.push({ key: context.key, tryNumber: context.tryNumber });
  context.markNothingHappened();
  throw new Error('busy');
};

// A tenth of a second at most, then at least five seconds, in which the process is killed.
const backoff = { initialMs: 100, factor: 100, maxMs: 600_000 };
const store = new RedisStore({ client, prefix });
await executeIdempotently(async ({ step }) => await step('charge', charge, { ...options, retries: 9, backoff }), {
  store,
  scope: 'shop',
  key,
  leaseMs,
});
