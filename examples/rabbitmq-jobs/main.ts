// Orders shipped by way of RabbitMQ, each once, however often its message comes. In the folder examples, after npm run build:
//
//   export RABBITMQ_URL=amqp://localhost REDIS_URL=redis://localhost
//   npx tsx rabbitmq-jobs/main.ts work            # as often as you like, each in a terminal of its own
//   npx tsx rabbitmq-jobs/main.ts send order-17   # twice: the second gets the recorded result
import { setTimeout as pause } from 'node:timers/promises';
import { drainStore, type OperationContext } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { connect } from 'amqplib';
import { createDecider } from '../queues/decide.js';
import { type Consumer, consume, type Job } from './consumer.js';
import { declareQueues, publishConfirmed } from './queues.js';

const amqpUrl = process.env.RABBITMQ_URL ?? 'amqp://localhost';
const queue = process.env.QUEUE ?? 'orders';

class UnknownItem extends Error {}

async function ship({ id, body }: Job, { step, attempt }: OperationContext) {
  if (typeof body !== 'object' || body === null || !('item' in body)) throw new UnknownItem(`${id} asks for nothing`);
  console.log(`${id}: attempt ${attempt}`);
  const parcel = await step('reserve', ({ key }) => `parcel-${key.slice(0, 8)}`);
  const label = await step('label', ({ key }) => `label-${key.slice(0, 8)}`);
  return { parcel, label };
}

async function work(): Promise<void> {
  const prefix = process.env.PREFIX ?? 'rabbitmq-jobs:';
  const store = await RedisStore.connect({ url: process.env.REDIS_URL ?? 'redis://localhost', prefix });
  const decide = createDecider(ship, {
    ...{ store, scope: queue, key: ({ id }: Job) => id, finalErrors: { UnknownItem } },
    // As long as a message may come again, for example from the dead letters after a long weekend.
    ttlMs: 7 * 86_400_000,
  });
  let consumer: Consumer | null = null;
  let isStopped = false;
  process.once('SIGTERM', () => {
    isStopped = true;
    void consumer?.stop();
  });
  while (!isStopped) {
    try {
      const connection = await connect(amqpUrl);
      connection.on('error', (error) => console.error(String(error)));
      const channel = await connection.createConfirmChannel();
      const queues = await declareQueues(channel, queue);
      consumer = await consume(channel, queues, decide, {
        onDecision: ({ properties }, decision) => console.log(properties.messageId, decision),
      });
      console.log(`Consuming ${queue}`);
      if (isStopped) await consumer.stop();
      await consumer.closed;
      await connection.close();
    } catch (error) {
      console.error(String(error));
    }
    if (!isStopped) await pause(1_000);
  }
  await drainStore(store);
  await store.close();
}

/** The id is the order's: a producer that sends the order again sends the same id. */
async function send(messageId: string): Promise<void> {
  const connection = await connect(amqpUrl);
  const channel = await connection.createConfirmChannel();
  await declareQueues(channel, queue);
  const content = Buffer.from(JSON.stringify({ item: 'tea' }));
  await publishConfirmed(channel, queue, content, { messageId, persistent: true, contentType: 'application/json' });
  await connection.close();
}

const [what, id] = process.argv.slice(2);
if (what === 'work') await work();
else if (what === 'send' && id !== undefined) await send(id);
else console.error('Say work, or send and the id of an order.');
