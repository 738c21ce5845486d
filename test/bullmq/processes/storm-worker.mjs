// A worker in a storm of redeliveries, which kills its own process in the first runs of some keys. What it does, Redis remembers.
// Its argument is a `StormWorkerSettings` of ../redelivery-storm.ts, as JSON.
import { idempotentProcessor } from '@onceguard/bullmq';
import { RedisStore } from '@onceguard/core/redis';
import { Redis } from 'ioredis';

const { bullmq, url, name, deaths, leaseMs } = JSON.parse(process.argv[2]);
const { Worker } = await import(bullmq);
const store = await RedisStore.connect({ url, callTimeoutMs: 10_000 });
const redis = new Redis(url);

const pause = async (ms) => await new Promise((resolve) => setTimeout(resolve, ms));

function dieIf(key, run, moment) {
  if (run === 1 && deaths[key] === moment) process.kill(process.pid, 'SIGKILL');
}

const run = idempotentProcessor(
  async ({ data: { key } }) => {
    const run = await redis.incr(`runs:${key}`);
    await redis.rpush(`story:${key}`, `run ${name}`);
    dieIf(key, run, 'before');
    await pause(5);
    dieIf(key, run, 'after');
    return { key, run };
  },
  { store, key: ({ data }) => data.key, leaseMs },
);

const processor = async (job, token, signal) => {
  const { key } = job.data;
  const outcome = await run(job, token, signal);
  const told = await redis.rpush(`story:${key}`, 'told');
  if (told === 2) dieIf(key, outcome.run, 'recorded');
  return outcome;
};

const worker = new Worker('storm', processor, {
  connection: { url, maxRetriesPerRequest: null },
  autorun: false,
  concurrency: 20,
  lockDuration: leaseMs,
  stalledInterval: leaseMs / 4,
  // Its workers die by the dozen: a job may be in the hands of several of them.
  maxStalledCount: 1_000,
});
await worker.waitUntilReady();
// It may not live long enough to say so later.
process.send('ready', () => void worker.run());
