// A request that is accepted now and processed later, under one key. Needs a Redis. In the folder examples, after npm run build:
//
//   PORT=3000 npx tsx accepted-jobs/server.ts
//   npx tsx accepted-jobs/worker.ts
//   curl -i localhost:3000/reports -H 'Content-Type: application/json' -H 'Idempotency-Key: january' -d '{"customer":"acme"}'
//   curl -i localhost:3000/reports/(the id in the response)
import { RedisStore } from '@onceguard/core/redis';
import { Queue } from 'bullmq';
import { reportsApi } from './api.js';
import { keptMs, prefix, queueName, queueOptions, type Report, type ReportRequest, redisUrl } from './queue.js';

const store = await RedisStore.connect({ url: redisUrl, prefix: `${prefix}:` });
const queue = new Queue<ReportRequest, Report>(queueName, {
  ...queueOptions,
  defaultJobOptions: {
    attempts: 5,
    backoff: { type: 'exponential', delay: 1_000 },
    removeOnComplete: { age: keptMs / 1_000 },
    removeOnFail: { age: keptMs / 1_000 },
  },
});

const app = reportsApi({
  store,
  queue,
  // The worst moment to die: the job is in the queue, and no response has been sent.
  onEnqueued: () => void (process.env.DIE === 'enqueued' && process.kill(process.pid, 'SIGKILL')),
});
const server = app.listen(Number(process.env.PORT ?? 3000), () => {
  const address = server.address();
  console.log(`Listening on port ${typeof address === 'object' ? address?.port : address}`);
});
