// A RabbitMQ consumer whose redelivered messages get the recorded result: acknowledged, delayed, parked or rejected.
import type { ConfirmChannel, ConsumeMessage } from 'amqplib';
import type { Decision } from '../queues/decide.js';
import { copyTo, delayFor, type JobQueues, publishConfirmed } from './queues.js';

export interface Job {
  /** The producer's `messageId`, the same in every copy of the message: the key. A delivery tag names a delivery, not a job. */
  readonly id: string;
  readonly body: unknown;
}

export interface ConsumerOptions {
  /** How many jobs run at a time. Default 10. */
  prefetch?: number;
  /** Called with the decision about each delivery, before it is carried out. */
  onDecision?: (message: ConsumeMessage, decision: Decision<unknown>) => void;
}

export interface Consumer {
  /** Resolves when the channel has closed, whoever closed it. Unacknowledged messages are delivered again to any consumer. */
  readonly closed: Promise<void>;
  /** Takes no more messages, finishes those in progress, and closes the channel. */
  stop(): Promise<void>;
}

/** Consumes `queues.work` until the channel closes. A message is acknowledged last, after its result or its copy is safe. */
export async function consume(
  channel: ConfirmChannel,
  queues: JobQueues,
  decide: (job: Job) => Promise<Decision<unknown>>,
  { prefetch = 10, onDecision }: ConsumerOptions = {},
): Promise<Consumer> {
  const atHand = new Set<Promise<void>>();
  const closed = new Promise<void>((resolve) => channel.once('close', resolve));
  // It may have closed already.
  const close = async () => await channel.close().catch(() => {});
  // The 'close' event that follows is handled.
  channel.on('error', () => {});
  // One of our queues is gone. On a closed channel, no message can be acknowledged whose copy was not delivered.
  channel.on('return', () => void close());

  const handle = async (message: ConsumeMessage) => {
    const decision = await decideMessage(message, decide);
    onDecision?.(message, decision);
    await applyDecision(channel, queues, message, decision);
  };
  await channel.prefetch(prefetch);
  const { consumerTag } = await channel.consume(queues.work, (message) => {
    // Null: the broker has cancelled this consumer. The next consumer gets the unacknowledged message.
    const handled = message === null ? close() : handle(message).catch(close);
    atHand.add(handled);
    void handled.finally(() => atHand.delete(handled));
  });
  return {
    closed,
    async stop() {
      await channel.cancel(consumerTag).catch(() => {});
      await Promise.all(atHand);
      await close();
    },
  };
}

async function decideMessage(
  message: ConsumeMessage,
  decide: (job: Job) => Promise<Decision<unknown>>,
): Promise<Decision<unknown>> {
  const { messageId } = message.properties;
  if (typeof messageId !== 'string' || messageId === '')
    return { kind: 'reject', reason: 'The message has no messageId.' };
  let body: unknown;
  try {
    body = JSON.parse(message.content.toString());
  } catch (error) {
    return { kind: 'reject', reason: String(error) };
  }
  return await decide({ id: messageId, body });
}

/**
 * Never `nack` with requeue: the broker delivers that message again at once, as fast as it can, for as long as the obstacle
 * lasts. A copy that is delayed or parked is safe before the message is acknowledged; a crash in between makes it two copies,
 * and both get the recorded result.
 */
async function applyDecision(
  channel: ConfirmChannel,
  queues: JobQueues,
  message: ConsumeMessage,
  decision: Decision<unknown>,
): Promise<void> {
  switch (decision.kind) {
    case 'acknowledge':
      await sendResult(channel, message, decision.result);
      break;
    case 'delay':
      await copyTo(channel, delayFor(queues, decision.ms), message, { reason: decision.reason });
      break;
    case 'park':
      await copyTo(channel, queues.parked, message, { reason: decision.reason });
      break;
    case 'reject':
      channel.reject(message, false);
      return;
  }
  channel.ack(message);
}

/** Sends the result to its requester, perhaps more than once. `correlationId` identifies it. */
async function sendResult(channel: ConfirmChannel, { properties }: ConsumeMessage, result: unknown): Promise<void> {
  const { replyTo, correlationId } = properties;
  if (typeof replyTo !== 'string') return;
  const content = Buffer.from(JSON.stringify({ result }));
  await publishConfirmed(channel, replyTo, content, { correlationId, contentType: 'application/json' });
}
