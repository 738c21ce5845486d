// The snippet of packages/bullmq/README.md. What is between the marks is an exact copy: change both.
import { connection, mailer, type Order, provider } from '../application.js';

// #region snippet

import { idempotentProcessor } from '@onceguard/bullmq';
import { RedisStore } from '@onceguard/core/redis';
import { type Job, Worker } from 'bullmq';

// A Redis without eviction: npx @onceguard/cli doctor redis://… says whether yours will do.
const store = await RedisStore.connect(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');

const processor = idempotentProcessor(
  async (job: Job<Order>, { step }) => {
    const charge = await step('charge', ({ key, signal }) =>
      provider.charge(job.data.amount, { idempotencyKey: key, signal }),
    );
    await job.updateProgress(50); // the job is BullMQ's own
    await step('mail', () => mailer.send(charge.receipt), { atMostOnce: true });
    return charge.id;
  },
  { store, key: (job) => job.data.orderId, onAbandoned: 'block' },
);

const worker = new Worker('charges', processor, { connection });
worker.on('lockRenewalFailed', (ids) => {
  for (const id of ids) worker.cancelJob(id);
});

// #endregion

export { store, worker };
