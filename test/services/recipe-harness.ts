// The recipe for RabbitMQ in this process: a consumer on the test's own queues, with a store in which faults can be
// injected.
import { randomUUID } from 'node:crypto';
import type { OperationContext } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { FaultStore } from '@onceguard/testing';
import type { ConfirmChannel } from 'amqplib';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from 'vitest';
import { createDecider, type Decision } from '../../examples/queues/decide.js';
import { type Consumer, consume, type Job } from '../../examples/rabbitmq-jobs/consumer.js';
import { openTestQueues, type TestQueues } from './broker.js';

export type JobWork = (job: Job, context: OperationContext) => unknown;
export type RecipeOptions = Partial<Parameters<typeof createDecider<Job, unknown>>[1]>;

export const eventually = async (check: () => unknown) => await vi.waitFor(check, { timeout: 30_000, interval: 20 });

export class RecipeHarness {
  readonly store: FaultStore;
  readonly #consumers: Consumer[] = [];
  readonly #decisions: Decision<unknown>[] = [];

  constructor(
    readonly broker: TestQueues,
    client: Redis,
  ) {
    this.store = new FaultStore(new RedisStore({ client, prefix: `rabbitmq:${randomUUID()}:` }), 1_000);
  }

  /** The decisions about the deliveries so far. */
  get decisionKinds(): string[] {
    return this.#decisions.map(({ kind }) => kind);
  }

  /** Consumes on its own channel, unless the test gives one. Failed jobs are delayed only for a moment. */
  async start(work: JobWork, options: RecipeOptions = {}, channel?: ConfirmChannel): Promise<Consumer> {
    const terms = { store: this.store, scope: 'tests', key: ({ id }: Job) => id };
    const decide = createDecider(work, { ...terms, retryMs: () => 100, waitMs: 100, ...options });
    const onDecision = (_message: unknown, decision: Decision<unknown>) => void this.#decisions.push(decision);
    const consumer = await consume(channel ?? (await this.broker.open()), this.broker.queues, decide, { onDecision });
    this.#consumers.push(consumer);
    return consumer;
  }

  async untilReplied(id: string, times: number): Promise<void> {
    await eventually(() => expect(this.broker.replies.get(id)).toHaveLength(times));
  }

  async end(): Promise<void> {
    await Promise.all(this.#consumers.map(async (consumer) => await consumer.stop()));
    await this.broker.close();
  }
}

/** A new one for each test, closed after it. */
export function recipeForEachTest(): () => RecipeHarness {
  let client: Redis;
  let recipe: RecipeHarness;
  beforeAll(async () => {
    client = new Redis(String(process.env.REDIS_URL), { enableOfflineQueue: false, lazyConnect: true });
    await client.connect();
  });
  afterAll(() => client.disconnect());
  beforeEach(async () => {
    recipe = new RecipeHarness(await openTestQueues(), client);
  });
  afterEach(async () => await recipe.end());
  return () => recipe;
}
