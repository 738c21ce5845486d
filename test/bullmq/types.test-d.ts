// What the types of the processor promise. Checked by `npx tsc -p test`; nothing here runs.
import { idempotentProcessor, type QueueJob } from '@onceguard/bullmq';
import { MemoryStore, type OperationContext, paymentPolicy, recovery } from '@onceguard/core';
import { type Job, type Processor, Worker } from 'bullmq';
import { type Job as Job5, type Processor as Processor5, Worker as Worker5 } from 'bullmq5';
import { expectTypeOf } from 'vitest';

interface Charge {
  readonly orderId: string;
}
const store = new MemoryStore();
const connection = {};

// The handler and the functions among the options get the job of the user's own BullMQ.
const processor = idempotentProcessor(
  async (job: Job<Charge>, context) => {
    expectTypeOf(context).toEqualTypeOf<OperationContext>();
    await job.updateProgress(50);
    return job.data.orderId.length;
  },
  {
    store,
    key: (job) => {
      expectTypeOf(job).toEqualTypeOf<Job<Charge>>();
      return job.data.orderId;
    },
    scope: async ({ queueName }) => queueName,
    fingerprint: ({ data }) => data,
    onAbandoned: ({ stepsInDoubt }, job) => recovery.done(stepsInDoubt.length + job.data.orderId.length),
  },
);
expectTypeOf(processor).toExtend<Processor<Charge, number | undefined>>();
new Worker('charges', processor, { connection });

const processor5 = idempotentProcessor((job: Job5<Charge>) => job.data.orderId, { store, scope: 'charges' });
expectTypeOf(processor5).toExtend<Processor5<Charge, string | undefined>>();
new Worker5('charges', processor5, { connection });

// Where the worker says what its jobs carry, the handler knows.
new Worker<Charge>(
  'charges',
  idempotentProcessor((job) => job.data.orderId, { store, key: (job) => job.data.orderId }),
  { connection },
);

// Jobs of both majors are jobs; presets may be spread.
expectTypeOf<Job<Charge>>().toExtend<QueueJob>();
expectTypeOf<Job5<Charge>>().toExtend<QueueJob>();
idempotentProcessor((job: Job<Charge>) => job.id, { store, ...paymentPolicy, leaseMs: 10_000 });

// @ts-expect-error: no store
idempotentProcessor((job: Job) => job.id, {});
// @ts-expect-error: a key is a string
idempotentProcessor((job: Job) => job.id, { store, key: () => 17 });
// @ts-expect-error: what is found out is what the handler gives
idempotentProcessor((job: Job<Charge>) => job.data.orderId, { store, onAbandoned: () => recovery.done(17) });
// @ts-expect-error: an option that does not exist
idempotentProcessor((job: Job) => job.id, { store, leaseSeconds: 30 });
