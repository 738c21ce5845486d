// A consumer of Amazon SQS whose redelivered messages get the recorded result: deleted, made visible later, or moved aside.
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { Decision } from './decide.js';

export interface SqsQueues {
  readonly work: string;
  /** The URLs of the queues to which messages are moved. */
  readonly parked: string;
  readonly dead: string;
}

export interface SqsJob {
  /** The attribute `jobId` that the producer sets. Two sends of one job have two `MessageId`s. */
  readonly id: string;
  readonly body: unknown;
}

/** The visibility timeout of the queue: while a job is being handled, it is extended every third of this time. At most 12 hours in all. */
const visibleAfterS = 30;
const longestDelayS = 43_200;

/** Receives and handles messages until the signal aborts. Messages in progress are finished. */
export async function consumeSqs(
  sqs: SQSClient,
  queues: SqsQueues,
  decide: (job: SqsJob) => Promise<Decision<unknown>>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const request = new ReceiveMessageCommand({
      QueueUrl: queues.work,
      MessageAttributeNames: ['jobId'],
      MaxNumberOfMessages: 10,
      VisibilityTimeout: visibleAfterS,
      WaitTimeSeconds: 20,
    });
    const { Messages = [] } = await sqs.send(request, { abortSignal: signal }).catch((error) => {
      if (signal.aborted) return { Messages: [] };
      throw error;
    });
    await Promise.all(Messages.map(async (message) => await handle(sqs, queues, message, decide).catch(report)));
  }
}

/** The message stays in its queue, and comes again when it is visible. */
function report(error: unknown): void {
  console.error(String(error));
}

async function handle(
  sqs: SQSClient,
  queues: SqsQueues,
  message: Message,
  decide: (job: SqsJob) => Promise<Decision<unknown>>,
): Promise<void> {
  const of = { QueueUrl: queues.work, ReceiptHandle: message.ReceiptHandle };
  const showAfter = async (seconds: number) => {
    await sqs.send(new ChangeMessageVisibilityCommand({ ...of, VisibilityTimeout: seconds }));
  };
  // Another consumer that receives it meanwhile learns from its record that it is running. That uses up one receive.
  const renewal = setInterval(() => void showAfter(visibleAfterS).catch(() => {}), (visibleAfterS * 1_000) / 3);
  const decision = await decideMessage(message, decide).finally(() => clearInterval(renewal));
  switch (decision.kind) {
    case 'acknowledge':
      break;
    case 'delay':
      await showAfter(Math.min(Math.ceil(decision.ms / 1_000), longestDelayS));
      return;
    case 'park':
      await moveMessage(sqs, queues.parked, message, decision.reason);
      break;
    case 'reject':
      // Without this it would also reach the dead letters, after all receives that the queue's redrive policy allows.
      await moveMessage(sqs, queues.dead, message, decision.reason);
      break;
  }
  await sqs.send(new DeleteMessageCommand(of));
}

async function decideMessage(
  { Body = '', MessageAttributes }: Message,
  decide: (job: SqsJob) => Promise<Decision<unknown>>,
): Promise<Decision<unknown>> {
  const id = MessageAttributes?.jobId?.StringValue;
  if (id === undefined) return { kind: 'reject', reason: 'The message has no attribute jobId.' };
  let body: unknown;
  try {
    body = JSON.parse(Body);
  } catch (error) {
    return { kind: 'reject', reason: String(error) };
  }
  return await decide({ id, body });
}

async function moveMessage(sqs: SQSClient, url: string, message: Message, reason: string): Promise<void> {
  const attributes = { ...message.MessageAttributes, reason: { DataType: 'String', StringValue: reason } };
  await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: message.Body, MessageAttributes: attributes }));
}
