// A worker that stays in the middle of the first run of each event, for a test to kill it there. Later runs come to an end.

import { idempotentProcessor } from '@onceguard/bullmq';
import { recovery } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { Redis } from 'ioredis';
import { loadBullmq, type Major } from '../bullmq-majors.js';
import type { EventJob } from '../queue-testbed.js';

export interface Settings {
  readonly major: Major;
  readonly url: string;
  /** Of the queue, and of the records. */
  readonly prefix: string;
  readonly onAbandoned: 'rerun' | 'block' | 'recover';
}

/** What it makes of an event. */
export interface Charged {
  readonly charge: number;
  readonly by: 'handler' | 'recover';
  readonly attempt: number;
}

const { major, url, prefix, onAbandoned } = JSON.parse(process.argv[2] ?? '') as Settings;
const store = await RedisStore.connect({ url, prefix: `${prefix}:records:` });
const redis = new Redis(url);

const processor = idempotentProcessor<EventJob, Charged>(
  async (job, { step, attempt }) => {
    const charge = await step('charge', () => redis.incr(`${prefix}:charges`));
    if (attempt === 1) {
      process.send?.({ inTheMiddleOf: job.data.event });
      await new Promise(() => {});
    }
    return { charge, by: 'handler', attempt };
  },
  {
    store,
    key: ({ data }) => data.event,
    leaseMs: 4_000,
    onAbandoned:
      onAbandoned === 'recover'
        ? ({ recordedSteps, attempt }) =>
            recovery.done({ charge: Number(recordedSteps.get('charge')), by: 'recover', attempt })
        : onAbandoned,
  },
);
const { Worker } = await loadBullmq(major);
const connection = { url, maxRetriesPerRequest: null };
// The lock ends before the lease: the first that is delivered again comes too early.
const worker = new Worker('events', processor, {
  ...{ connection, prefix, concurrency: 4, lockDuration: 500, stalledInterval: 250 },
});
await worker.waitUntilReady();
process.send?.('working');
