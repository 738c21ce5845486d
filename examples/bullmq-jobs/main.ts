// A queue whose work runs once: an order that is added twice, and a job that is delivered again after it failed halfway. In the
// folder examples, after npm run build, with a Redis at REDIS_URL (default redis://127.0.0.1:6379):
//
//   npx tsx bullmq-jobs/main.ts
import { randomUUID } from 'node:crypto';
import { idempotentProcessor } from '@onceguard/bullmq';
import type { OperationContext } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { type Job, Queue, QueueEvents, Worker } from 'bullmq';

interface Order {
  readonly orderId: string;
  readonly cents: number;
}

let charges = 0;

/** The work of a job. It may run several times, but each recorded step is not done again. */
async function charge(job: Job<Order>, { step, attempt }: OperationContext): Promise<string> {
  const { orderId, cents } = job.data;
  console.log(`${orderId}: job ${job.id}, attempt ${attempt}`);
  const chargeId = await step('charge', ({ key }) => {
    charges += 1;
    console.log(`${orderId}: charging ${cents} cents, with the idempotency key ${key}`);
    return `ch_${charges}`;
  });
  await step('mail', () => {
    if (orderId === 'order-18' && attempt === 1) throw new Error('the mail server is away');
    console.log(`${orderId}: mailing the receipt of ${chargeId}`);
  });
  return chargeId;
}

const url = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379';
const connection = { url, maxRetriesPerRequest: null };
const store = await RedisStore.connect(url);
const name = `orders-${randomUUID()}`; // a queue of its own for each run of this program
const queue = new Queue<Order>(name, { connection });
const events = new QueueEvents(name, { connection });
const worker = new Worker<Order>(
  name,
  // The order's id, and not the job's, says what a duplicate is.
  idempotentProcessor(charge, { store, key: (job) => job.data.orderId }),
  { connection },
);
// Stops early if another worker got the job: BullMQ reports it, and cancelJob aborts the signals of the handler and its steps.
worker.on('lockRenewalFailed', (ids) => {
  for (const id of ids) worker.cancelJob(id);
});
worker.on('failed', (job, error) => {
  console.log(`${job?.data.orderId}: job ${job?.id} failed: ${error.message}; BullMQ delivers it again`);
});

const options = { attempts: 3, backoff: 100 };
const outcomeOf = async (job: Job<Order>) => String(await job.waitUntilFinished(events));

// The producer gets no reply to its first add, and adds the order again.
const first = await queue.add('charge', { orderId: 'order-17', cents: 2_000 }, options);
const second = await queue.add('charge', { orderId: 'order-17', cents: 2_000 }, options);
console.log(`order-17: two jobs, ${await outcomeOf(first)} and ${await outcomeOf(second)}`);

// A job that fails after its charge.
const halfway = await queue.add('charge', { orderId: 'order-18', cents: 3_000 }, options);
console.log(`order-18: one job, ${await outcomeOf(halfway)}`);

console.log(`2 orders, 3 jobs, ${charges} charges`);

await worker.close();
await events.close();
await queue.obliterate({ force: true });
await queue.close();
await store.close();
