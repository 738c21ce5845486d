// The queues of one kind of job: where it waits for a consumer, for its time, for a decision, or for an undertaker.
import type { ConfirmChannel, Message } from 'amqplib';

export interface JobQueues {
  readonly work: string;
  /** Shortest first. What lies in one goes back to work after that time. */
  readonly delays: readonly { readonly ms: number; readonly queue: string }[];
  readonly parked: string;
  readonly dead: string;
}

/**
 * One queue for each length of delay: RabbitMQ looks at the head of a queue only, so that in a single one a message with a
 * short time to live waits for all the longer ones before it.
 */
const defaultDelaysMs = [1_000, 5_000, 30_000, 300_000];

/** Declares the queues that are missing. All are quorum queues: what they confirmed survives the loss of a node. */
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

/** The shortest delay that is long enough, or the longest that there is. */
export function delayFor({ delays }: JobQueues, ms: number): string {
  const delay = delays.find((one) => one.ms >= ms) ?? delays.at(-1);
  if (delay === undefined) throw new Error('There is no queue for delayed jobs.');
  return delay.queue;
}

/** Of the way that a message has taken so far. A copy begins anew: the broker drops what seems to go round in a circle. */
const brokerHeaders = /^(x-.*death.*|x-delivery-count|b?cc)$/i;

/** Publishes a copy of the message, and resolves when the broker has it. The message itself is still to be acknowledged. */
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
    // Where the queue is gone, the broker says so instead of dropping the copy.
    mandatory: true,
  });
}

/** Rejects where the broker refused it or the channel closed before it answered. */
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

/** After somebody has decided: puts the parked messages back to work, where they are answered from the record. */
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
