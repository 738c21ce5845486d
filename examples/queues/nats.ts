// A consumer of NATS JetStream whose redelivered messages get the recorded result: acknowledged, delayed, parked or terminated.
import { type Consumer, type JetStreamClient, type JsMsg, PubHeaders } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import type { Decision } from './decide.js';

export interface NatsSubjects {
  /** Each belongs to a stream. */
  readonly parked: string;
  readonly dead: string;
}

export interface NatsJob {
  /** The header `Nats-Msg-Id` that the producer sets: the stream drops a second message for two minutes, and the record does so for its whole life. */
  readonly id: string;
  readonly body: unknown;
}

/** A third of the consumer's `ack_wait`, whose default is 30 s. */
const workingMs = 10_000;

/**
 * Consumes until the signal aborts. The consumer's `max_ack_pending` says how many jobs run at a time; its `max_deliver` is -1, since
 * every delay uses up a delivery, while the record counts the attempts.
 */
export async function consumeNats(
  jetstream: JetStreamClient,
  consumer: Consumer,
  subjects: NatsSubjects,
  decide: (job: NatsJob) => Promise<Decision<unknown>>,
  signal: AbortSignal,
): Promise<void> {
  const messages = await consumer.consume();
  signal.addEventListener('abort', () => messages.stop(), { once: true });
  const atHand = new Set<Promise<void>>();
  for await (const message of messages) {
    // A message that fails here is not acknowledged, and comes again after `ack_wait`.
    const handled = handle(jetstream, subjects, message, decide).catch((error) => console.error(String(error)));
    atHand.add(handled);
    void handled.finally(() => atHand.delete(handled));
  }
  await Promise.all(atHand);
}

async function handle(
  jetstream: JetStreamClient,
  subjects: NatsSubjects,
  message: JsMsg,
  decide: (job: NatsJob) => Promise<Decision<unknown>>,
): Promise<void> {
  const sign = setInterval(() => message.working(), workingMs);
  const decision = await decideMessage(message, decide).finally(() => clearInterval(sign));
  switch (decision.kind) {
    case 'acknowledge':
      message.ack();
      break;
    case 'delay':
      message.nak(decision.ms);
      break;
    case 'park':
      await moveMessage(jetstream, subjects.parked, message, decision.reason);
      message.term();
      break;
    case 'reject':
      await moveMessage(jetstream, subjects.dead, message, decision.reason);
      message.term();
      break;
  }
}

async function decideMessage(
  message: JsMsg,
  decide: (job: NatsJob) => Promise<Decision<unknown>>,
): Promise<Decision<unknown>> {
  const id = message.headers?.get(PubHeaders.MsgIdHdr) ?? '';
  if (id === '') return { kind: 'reject', reason: 'The message has no header Nats-Msg-Id.' };
  let body: unknown;
  try {
    body = message.json();
  } catch (error) {
    return { kind: 'reject', reason: String(error) };
  }
  return await decide({ id, body });
}

/** Resolves when the stream of that subject has the message. */
async function moveMessage(jetstream: JetStreamClient, subject: string, message: JsMsg, reason: string): Promise<void> {
  const kept = headers();
  for (const [name, values] of message.headers ?? []) {
    // These headers state expectations about the original stream, which do not hold for this one.
    if (!name.startsWith('Nats-Expected-')) for (const value of values) kept.append(name, value);
  }
  kept.set('reason', reason.replaceAll(/\s+/g, ' '));
  await jetstream.publish(subject, message.data, { headers: kept });
}
