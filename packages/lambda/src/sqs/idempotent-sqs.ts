// idempotentSqs: handles a batch of SQS messages, each once, and returns those that must come again.
import type { OperationContext } from '@onceguard/core';
import { ConfigurationError, defaultPolicy } from '@onceguard/core';
import { type LambdaContext, maxLeaseMs, recordBeforeFreeze } from '../remaining-time.js';
import { handleRecord } from './handle-record.js';
import { type KeyedRecord, readKeyOfRecord, sequencesOf } from './keyed-record.js';
import { checkSqsOptions, type SqsOptions, type SqsRecord } from './sqs-options.js';

/** The messages that come again. The event source mapping needs `FunctionResponseTypes: [ReportBatchItemFailures]`. */
export interface SqsBatchResponse {
  batchItemFailures: { itemIdentifier: string }[];
}

/**
 * Makes a handler of SQS batches whose messages are each handled once per key, however often SQS delivers or a producer sends them.
 *
 * - A message is done, and deleted by SQS, when its work has ended now or earlier. Every other one is among `batchItemFailures`: it comes
 *   again after the visibility timeout, and goes to the dead letters after `maxReceiveCount` receives. That is so if the work failed, runs
 *   elsewhere, has an unknown outcome or another payload under its key, or if the store did not reply. `onRecordFailed` gets the reason.
 * - Messages of one batch with the same key are handled one after the other. After a failure the others come again too.
 * - In a FIFO queue no message is handled after the first failure.
 * - No lease is longer than the remaining time of the invocation. A message whose function was ended by its time limit runs again once the
 *   lease is over; with `paymentPolicy` its outcome is unknown.
 *
 * Throws a `ConfigurationError` that names every invalid option. The handler rejects only if the event has no SQS messages, or if
 * `onRecordFailed` throws.
 *
 * **Enable `ReportBatchItemFailures` on the event source mapping.** Without it SQS deletes every message of the batch, failed ones too.
 *
 * @param work - gets a record and the context of its execution. What it returns is not kept.
 * @param options - those of `makeIdempotent`, and `fifo`, `concurrency`, `onRecordFailed`.
 * @example
 * export const handler = idempotentSqs(ship, { store, scope: 'orders', key: (record) => JSON.parse(record.body).orderId });
 */
export function idempotentSqs<Message extends SqsRecord = SqsRecord>(
  work: (record: Message, context: OperationContext) => unknown,
  options: SqsOptions<Message>,
): (event: { Records: Message[] }, context: LambdaContext) => Promise<SqsBatchResponse> {
  const checked = checkSqsOptions(options);
  const { store, leaseMs = defaultPolicy.leaseMs, concurrency } = checked;
  return async (event, context) => {
    const records = recordsOf(event);
    const keyedRecords = await Promise.all(records.map((record) => readKeyOfRecord(record, checked)));
    const sequences = sequencesOf(keyedRecords, checked.fifo ?? records.some(isFromFifoQueue));
    const done = new Set<Message>();
    let awaitsRecording = false;

    /** The first failure ends the sequence: the messages behind it come again too. */
    const handleSequence = async (sequence: readonly KeyedRecord<Message>[]) => {
      for (const keyed of sequence) {
        const lease = Math.min(leaseMs, maxLeaseMs(context));
        const result = await handleRecord(keyed, { work, options: checked, leaseMs: lease });
        if (result.kind === 'failed') return checked.onRecordFailed(keyed.record, result.error);
        done.add(keyed.record);
        awaitsRecording ||= result.awaitsRecording;
      }
    };

    await forEachConcurrently(sequences, concurrency, handleSequence);
    if (awaitsRecording) await recordBeforeFreeze(store, { context, leaseMs });
    const failed = records.filter((record) => !done.has(record));
    return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
  };
}

async function forEachConcurrently<T>(
  items: readonly T[],
  concurrency: number,
  handle: (item: T) => Promise<void>,
): Promise<void> {
  // The workers share one iterator, so that each item is handled once.
  const remaining = items.values();
  const work = async () => {
    for (const item of remaining) await handle(item);
  };
  await Promise.all(Array.from({ length: concurrency }, work));
}

function recordsOf<Message extends SqsRecord>(event: { Records: Message[] }): Message[] {
  const records: unknown = Object(event).Records;
  if (Array.isArray(records) && records.every((record) => typeof Object(record).messageId === 'string'))
    return event.Records;
  throw new ConfigurationError(
    'argument_invalid',
    'The event has no SQS messages. For HTTP wrap the handler by withIdempotency(); for EventBridge, SNS and streams by ' +
      'makeIdempotent() of @onceguard/core.',
  );
}

function isFromFifoQueue({ eventSourceARN }: SqsRecord): boolean {
  return eventSourceARN?.endsWith('.fifo') ?? false;
}
