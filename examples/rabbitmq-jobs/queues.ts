// The queues of one kind of job: where it waits for a consumer, for the end of a delay, for a decision, or as a dead letter.
import type { ConfirmChannel, Message } from 'amqplib';

export interface JobQueues {
  readonly work: string;
  /** Shortest first. A message in one returns to the work queue after that time. */
  readonly delays: readonly { readonly ms: number; readonly queue: string }[];
  readonly parked: string;
  readonly dead: string;
}

/**
 * One queue for each length of delay: RabbitMQ only expires messages at the head of a queue, so in a single queue a message with a
 * short time to live waits for all the longer ones before it.
 */
const defaultDelaysMs = [1_000, 5_000, 30_000, 300_000];

/** Declares the queues that are missing. All are quorum queues: confirmed messages survive the loss of a node. */
export async function declareQueues(
  channel: ConfirmChannel,
  work: string,
  delaysMs: readonly number[] = defaultDelaysMs,
): Promise<JobQueues> {
  const delays = delaysMs.map((ms) => ({ ms, queue: `${work}.delayed.${ms}` }));
  const queues = { work, delays, parked: `${work}.parked`, dead: `${work}.dead` };
  await declare(channel, queues.parked);
  await declare(channel, queues.dead);
  await declare(channel, work, deadLettersTo(queues.dead));
  for (const { ms, queue } of delays) await declare(channel, queue, { 'x-message-ttl': ms, ...deadLettersTo(work) });
  return queues;
}

/** The shortest delay that is long enough, or the longest one. */
export function delayFor({ delays }: JobQueues, ms: number): string {
  const delay = delays.find((one) => one.ms >= ms) ?? delays.at(-1);
  if (delay === undefined) throw new Error('There is no queue for delayed jobs.');
  return delay.queue;
}

/** Headers about the path of a message. A copy must not have them: the broker drops messages that seem to circulate. */
const brokerHeaders = /^(x-.*death.*|x-delivery-count|b?cc)$/i;

/** Publishes a copy of the message, and resolves when the broker has confirmed it. The caller still has to acknowledge the message itself. */
export async function copyTo(
  channel: ConfirmChannel,
  queue: string,
  message: Message,
  headers: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const { messageId, contentType, correlationId, replyTo, type, timestamp } = message.properties;
  const properties = { messageId, contentType, correlationId, replyTo, type, timestamp };
  const kept = Object.entries(message.properties.headers ?? {}).filter(([name]) => !brokerHeaders.test(name));
  await publishConfirmed(channel, queue, message.content, {
    ...properties,
    headers: { ...Object.fromEntries(kept), ...headers },
    persistent: true,
    // If the queue is gone, the broker returns the copy instead of dropping it.
    mandatory: true,
  });
}

/** Rejects if the broker refused the copy, or the channel closed before the confirmation. */
export async function publishConfirmed(
  channel: ConfirmChannel,
  queue: string,
  content: Buffer,
  options: Parameters<ConfirmChannel['sendToQueue']>[2],
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    channel.sendToQueue(queue, content, options, (error: unknown) => (error === null ? resolve() : reject(error)));
  });
}

/** After somebody has decided: moves the parked messages back to the work queue, where they get the recorded outcome. */
export async function unpark(channel: ConfirmChannel, { parked, work }: JobQueues): Promise<number> {
  const { messageCount } = await channel.checkQueue(parked);
  for (let moved = 0; moved < messageCount; moved += 1) {
    const message = await channel.get(parked);
    if (message === false) return moved;
    await copyTo(channel, work, message);
    channel.ack(message);
  }
  return messageCount;
}

async function declare(channel: ConfirmChannel, queue: string, more: Record<string, unknown> = {}): Promise<void> {
  await channel.assertQueue(queue, { arguments: { 'x-queue-type': 'quorum', ...more } });
}

/** At least once: the message leaves its queue when the other has confirmed it. It needs `reject-publish`. */
function deadLettersTo(queue: string): Record<string, unknown> {
  return {
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': queue,
    'x-dead-letter-strategy': 'at-least-once',
    'x-overflow': 'reject-publish',
  };
}
