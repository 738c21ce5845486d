// A consumer in its own process, which halts at a given point, so that a test can kill it there.
import { randomUUID } from 'node:crypto';
import type { OperationContext } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { type ConfirmChannel, connect } from 'amqplib';
import { Redis } from 'ioredis';
import { createDecider } from '../../../examples/queues/decide.js';
import { consume, type Job } from '../../../examples/rabbitmq-jobs/consumer.js';
import { declareQueues } from '../../../examples/rabbitmq-jobs/queues.js';

export const holdPoints = [
  'before the work',
  'in a step',
  'between steps',
  'in a step at most once',
  'after the work',
  'before the ack',
] as const;
export type HoldPoint = (typeof holdPoints)[number];

export interface ConsumerSettings {
  readonly amqpUrl: string;
  readonly queue: string;
  readonly delaysMs: readonly number[];
  readonly redisUrl: string;
  /** The prefix of the records, and of the effects of the work. */
  readonly prefix: string;
  readonly leaseMs: number;
  /** The point at which it halts, with the first job that reaches it. */
  readonly holdAt: HoldPoint | null;
  /** Whether the work has a step that may happen at most once. */
  readonly labels: boolean;
  /** How long the work may take. */
  readonly workMs: number;
}

/** `ready` first; then the decision about each delivery. */
export type ConsumerMessage = { readonly ready: true } | { readonly held: HoldPoint } | { readonly decided: string };

/** The result of the work: the run that is on record, and the key by which the other system knows its charge. */
export interface Shipped {
  readonly run: string;
  readonly charge: string;
}

const settings: ConsumerSettings = JSON.parse(process.argv[2] ?? '{}');
const { prefix, holdAt } = settings;
const sendToParent = (message: ConsumerMessage) => void process.send?.(message);

async function holdIfAt(point: HoldPoint): Promise<void> {
  if (point !== holdAt) return;
  sendToParent({ held: point });
  await new Promise(() => {});
}

const redis = new Redis(settings.redisUrl);
const store = await RedisStore.connect({ url: settings.redisUrl, prefix });

async function ship({ id }: Job, { step }: OperationContext): Promise<Shipped> {
  await holdIfAt('before the work');
  await redis.hincrby(`${prefix}runs`, id, 1);
  const charge = await step('charge', async ({ key }) => {
    await redis.sadd(`${prefix}charges:${id}`, key);
    await holdIfAt('in a step');
    return key;
  });
  await holdIfAt('between steps');
  const label = async () => {
    await redis.hincrby(`${prefix}labels`, id, 1);
    await holdIfAt('in a step at most once');
  };
  if (settings.labels) await step('label', label, { atMostOnce: true });
  await new Promise((resolve) => setTimeout(resolve, Math.random() * settings.workMs));
  await holdIfAt('after the work');
  return { run: randomUUID(), charge };
}

/** A channel on which the process can be killed before a message is acknowledged. */
function holdingBeforeAck(channel: ConfirmChannel): ConfirmChannel {
  const ack = channel.ack.bind(channel);
  return Object.assign(channel, {
    ack: (...args: Parameters<typeof ack>) => void holdIfAt('before the ack').then(() => ack(...args)),
  });
}

const connection = await connect(settings.amqpUrl);
const channel = holdingBeforeAck(await connection.createConfirmChannel());
const queues = await declareQueues(channel, settings.queue, settings.delaysMs);
const decide = createDecider(ship, {
  ...{ store, scope: 'tests', leaseMs: settings.leaseMs, key: ({ id }: Job) => id },
  ...{ maxAttempts: 1, waitMs: 200 },
});
const consumer = await consume(channel, queues, decide, {
  onDecision: (_message, { kind }) => sendToParent({ decided: kind }),
});
process.once('SIGTERM', () => {
  void consumer.stop().then(() => process.exit());
});
sendToParent({ ready: true });
