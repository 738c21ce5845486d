// A consumer of Kafka whose redelivered messages get the recorded result. A partition is read in order: a delay holds it up.
import { setTimeout as pause } from 'node:timers/promises';
import type { Consumer, EachMessagePayload, Producer } from 'kafkajs';
import type { Decision } from './decide.js';

export interface KafkaTopics {
  readonly work: string;
  readonly parked: string;
  readonly dead: string;
}

export interface KafkaJob {
  /** The header `jobId` that the producer sets. An offset names a message, and a second send by the producer is another message. */
  readonly id: string;
  readonly body: unknown;
}

/** A third of the shortest session timeout that brokers allow by default, 6 s. */
const heartbeatMs = 2_000;

/** Consumes until `consumer.stop()`. The offset of a message is committed last, after its result or its copy is safe. */
export async function consumeKafka(
  consumer: Consumer,
  producer: Producer,
  topics: KafkaTopics,
  decide: (job: KafkaJob) => Promise<Decision<unknown>>,
): Promise<void> {
  await consumer.subscribe({ topics: [topics.work] });
  await consumer.run({
    // Commits each resolved offset at once: with fewer commits more messages would come again.
    autoCommitThreshold: 1,
    eachMessage: async (payload) => {
      for (;;) {
        const decision = await withHeartbeats(payload, decideMessage(payload, decide));
        switch (decision.kind) {
          case 'acknowledge':
            return;
          case 'delay':
            await withHeartbeats(payload, pause(decision.ms));
            break;
          case 'park':
            await moveMessage(producer, topics.parked, payload, decision.reason);
            return;
          case 'reject':
            await moveMessage(producer, topics.dead, payload, decision.reason);
            return;
        }
      }
    },
  });
}

/**
 * Work that takes longer than the session timeout needs heartbeats. Otherwise the group gives the partition to another consumer. If it
 * did, the heartbeat rejects, and so does the handler. The other consumer gets the message and finds its job in progress or done.
 */
async function withHeartbeats<T>({ heartbeat }: EachMessagePayload, task: Promise<T>): Promise<T> {
  const ended = task.then(
    () => 'ended',
    () => 'ended',
  );
  while ((await Promise.race([ended, pause(heartbeatMs)])) !== 'ended') await heartbeat();
  return await task;
}

async function decideMessage(
  { message }: EachMessagePayload,
  decide: (job: KafkaJob) => Promise<Decision<unknown>>,
): Promise<Decision<unknown>> {
  const id = message.headers?.jobId?.toString();
  if (id === undefined) return { kind: 'reject', reason: 'The message has no header jobId.' };
  let body: unknown;
  try {
    body = JSON.parse(message.value?.toString() ?? 'null');
  } catch (error) {
    return { kind: 'reject', reason: String(error) };
  }
  return await decide({ id, body });
}

async function moveMessage(
  producer: Producer,
  topic: string,
  payload: EachMessagePayload,
  reason: string,
): Promise<void> {
  const { key, value, headers } = payload.message;
  const from = `${payload.topic}/${payload.partition}/${payload.message.offset}`;
  // acks -1, the default of kafkajs: all replicas in sync have it.
  await producer.send({ topic, messages: [{ key, value, headers: { ...headers, reason, from } }] });
}
