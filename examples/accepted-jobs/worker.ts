// Creates the reports. Start as many workers as you like: a job that is delivered twice runs once.
import { setTimeout as pause } from 'node:timers/promises';
import { idempotentProcessor } from '@onceguard/bullmq';
import { RedisStore } from '@onceguard/core/redis';
import { type Job, Worker } from 'bullmq';
import { keptMs, prefix, queueName, queueOptions, type Report, type ReportRequest, redisUrl } from './queue.js';

/** Another attempt would fail in the same way: the error is recorded, and the job is not retried. */
class UnknownCustomerError extends Error {}

async function build(job: Job<ReportRequest>): Promise<Report> {
  const { customer } = job.data;
  if (customer === 'nobody') throw new UnknownCustomerError(`There is no customer ${customer}.`);
  await pause(200);
  console.log(`Built the report ${job.id}.`);
  return { customer, invoices: customer.length };
}

const store = await RedisStore.connect({ url: redisUrl, prefix: `${prefix}:` });
// The key is the id of the job, which the API derived from the key of the request.
const processor = idempotentProcessor(build, { store, ttlMs: keptMs, finalErrors: { UnknownCustomerError } });
const worker = new Worker<ReportRequest>(queueName, processor, queueOptions);
worker.on('error', (error) => console.error(error));
