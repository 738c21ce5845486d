// What the API and the worker share: the queue, the data of a job, and how long everything about it is kept.
import type { QueueOptions } from 'bullmq';

export interface ReportRequest {
  /** Who requested the report, and may see it. */
  readonly user: string;
  readonly customer: string;
}

export interface Report {
  readonly customer: string;
  readonly invoices: number;
}

export const redisUrl = process.env.REDIS_URL ?? 'redis://localhost:6379';
/** For the keys of onceguard, which end in a colon, and those of BullMQ, which adds one. */
export const prefix = process.env.PREFIX ?? 'accepted-jobs';
export const queueName = 'reports';
export const queueOptions: QueueOptions = { connection: { url: redisUrl }, prefix };

/** Seven days, for the 202 response, the job that it names, and the job's own record: none is useful without the others. */
export const keptMs = 7 * 86_400_000;
