// A queue and its workers on the run's Redis, on BullMQ 5 and on BullMQ 6.
import { randomUUID } from 'node:crypto';
import { RedisStore } from '@onceguard/core/redis';
import { FaultStore } from '@onceguard/testing';
import type { Job, JobsOptions, Processor, Queue, Worker, WorkerOptions } from 'bullmq';
import { afterEach, beforeEach, describe, expect, vi } from 'vitest';
import { sendCommand } from '../../packages/testing/src/servers/redis-connection.js';
import { redisUrl } from '../support/redis.js';
import { type Bullmq, loadBullmq, type Major, majors } from './bullmq-majors.js';

/** What all jobs of these tests carry. */
export interface EventData {
  readonly event: string;
  readonly cents?: number;
}

export type EventJob = Job<EventData>;

export const eventKeyOf = (job: EventJob): string => job.data.event;

/** Registers tests once for each major, each with a world of its own. */
export function onEveryMajor(tests: (world: () => QueueTestbed, major: Major) => void): void {
  describe.each(majors)('On BullMQ %s', (major) => {
    let world: QueueTestbed;
    beforeEach(async () => {
      world = await QueueTestbed.start(await loadBullmq(major));
    });
    afterEach(async () => await world.stop());
    tests(() => world, major);
  });
}

/** A queue of a test's own, with the store that its workers share. Its end closes everything; what it left in Redis, nobody meets. */
export class QueueTestbed {
  readonly connection = { url: redisUrl(), maxRetriesPerRequest: null };
  readonly store: FaultStore;
  readonly queue: Queue<EventData>;
  readonly #workers: Worker[] = [];
  readonly #queues: Queue[] = [];

  private constructor(
    readonly bullmq: Bullmq,
    /** Of its queues; those of the records begin so, too. */
    readonly prefix: string,
    store: RedisStore,
  ) {
    this.store = new FaultStore(store);
    this.queue = this.newQueue();
  }

  static async start(bullmq: Bullmq): Promise<QueueTestbed> {
    const prefix = `test:${randomUUID()}`;
    return new QueueTestbed(
      bullmq,
      prefix,
      await RedisStore.connect({ url: redisUrl(), prefix: `${prefix}:records:`, callTimeoutMs: 2_000 }),
    );
  }

  /** Another way into a queue, as another process has it. */
  newQueue(name = 'events'): Queue<EventData> {
    const queue = new this.bullmq.Queue<EventData>(name, { connection: this.connection, prefix: this.prefix });
    this.#queues.push(queue);
    return queue;
  }

  startWorker(processor: Processor<EventData>, options: Partial<WorkerOptions> = {}): Worker<EventData> {
    const { connection, prefix } = this;
    const worker = new this.bullmq.Worker<EventData>('events', processor, { connection, prefix, ...options });
    worker.on('error', () => {}); // a lost lock is told here too
    this.#workers.push(worker);
    return worker;
  }

  async addJob(data: EventData, options: JobsOptions = {}, name = 'charge'): Promise<EventJob> {
    return await this.queue.add(name, data, options);
  }

  /** A command of Redis, beside BullMQ. */
  async redisCommand(name: string, ...args: readonly string[]): Promise<unknown> {
    return await sendCommand(this.connection.url, name, args);
  }

  /** The job as it is now. */
  async reloadJob({ id = '' }: EventJob): Promise<EventJob> {
    return (await this.queue.getJob(id)) ?? expect.unreachable('the job is gone');
  }

  /** The job as it is when it is in one of these states. */
  async untilJobIs(job: EventJob, ...states: readonly string[]): Promise<EventJob> {
    await vi.waitFor(async () => expect(states).toContain(await job.getState()), { timeout: 60_000, interval: 10 });
    return await this.reloadJob(job);
  }

  /** The errors with which a worker's jobs fail, in their order. */
  collectFailures(worker: Worker<EventData>): Error[] {
    const failures: Error[] = [];
    worker.on('failed', (_job, error) => failures.push(error));
    return failures;
  }

  async untilCompleted(job: EventJob): Promise<EventJob> {
    return await this.untilJobIs(job, 'completed');
  }

  async untilFailed(job: EventJob): Promise<EventJob> {
    return await this.untilJobIs(job, 'failed');
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close(true)));
    await Promise.all(this.#queues.map((queue) => queue.close()));
    await this.store.close();
  }
}
