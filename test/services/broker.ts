// Queues for one test on the RabbitMQ of the run, with their messages, and a way to send a job and to receive its
// result.
import { randomUUID } from 'node:crypto';
import { type ChannelModel, type ConfirmChannel, connect, type GetMessage } from 'amqplib';
import { expect, vi } from 'vitest';
import { declareQueues, type JobQueues, publishConfirmed } from '../../examples/rabbitmq-jobs/queues.js';

export interface TestQueues {
  readonly url: string;
  readonly queues: JobQueues;
  /** The test's own channel; a consumer has another one. */
  readonly channel: ConfirmChannel;
  open(): Promise<ConfirmChannel>;
  /** Sends the given number of copies of the job with this id; each one that is acknowledged gets a reply. */
  send(id: string | undefined, body?: unknown, copies?: number): Promise<void>;
  /** The results by job id, in the order of the replies. */
  readonly replies: ReadonlyMap<string, readonly unknown[]>;
  /** How many messages wait in each queue, without those delivered and not yet acknowledged. */
  queueLengths(): Promise<QueueLengths>;
  /** Resolves with the next message of the queue, when there is one. */
  take(queue: string): Promise<GetMessage>;
  /** Deletes the queues and their messages. */
  close(): Promise<void>;
}

export interface QueueLengths {
  readonly work: number;
  readonly delayed: number;
  readonly parked: number;
  readonly dead: number;
}

export const emptyQueues: QueueLengths = { work: 0, delayed: 0, parked: 0, dead: 0 };

/** The delays of the tests are short. */
export const delaysMs = [100, 500, 1_500];

export async function openTestQueues(): Promise<TestQueues> {
  const url = process.env.RABBITMQ_URL ?? '';
  const connection: ChannelModel = await connect(url);
  const open = async () => await connection.createConfirmChannel();
  const channel = await open();
  const queues = await declareQueues(channel, `onceguard-test-${randomUUID()}`, delaysMs);
  const replyTo = `${queues.work}.replies`;
  await channel.assertQueue(replyTo, { durable: false, autoDelete: true });
  const replies = new Map<string, unknown[]>();
  await channel.consume(
    replyTo,
    (message) => {
      if (message === null) return;
      const id = String(message.properties.correlationId);
      const { result } = JSON.parse(message.content.toString());
      replies.set(id, [...(replies.get(id) ?? []), result]);
    },
    { noAck: true },
  );
  const countIn = async (queue: string) => (await channel.checkQueue(queue)).messageCount;
  const delays = queues.delays.map(({ queue }) => queue);
  return {
    ...{ url, queues, channel, open, replies },
    async send(id, body = {}, copies = 1) {
      const content = Buffer.from(JSON.stringify(body));
      const options = { persistent: true, replyTo, ...(id === undefined ? {} : { messageId: id, correlationId: id }) };
      await Promise.all(
        Array.from({ length: copies }, async () => await publishConfirmed(channel, queues.work, content, options)),
      );
    },
    async queueLengths() {
      const [work, parked, dead] = [
        await countIn(queues.work),
        await countIn(queues.parked),
        await countIn(queues.dead),
      ];
      let delayed = 0;
      for (const queue of delays) delayed += await countIn(queue);
      return { work, delayed, parked, dead };
    },
    async take(queue) {
      return await vi.waitFor(
        async () => {
          const message = await channel.get(queue, { noAck: true });
          expect(message, queue).not.toBe(false);
          return message as GetMessage;
        },
        { timeout: 30_000, interval: 50 },
      );
    },
    async close() {
      for (const queue of [queues.work, queues.parked, queues.dead, ...delays]) await channel.deleteQueue(queue);
      await connection.close();
    },
  };
}
