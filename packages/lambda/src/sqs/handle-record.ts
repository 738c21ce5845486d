// Handles one SQS message under its key.
import {
  type Execution,
  executeIdempotently,
  InProgressError,
  KeyReusedError,
  type OperationContext,
  OutcomeUnknownError,
} from '@onceguard/core';
import type { KeyedRecord } from './keyed-record.js';
import type { CheckedSqsOptions, SqsRecord } from './sqs-options.js';

/** `done`: SQS may delete the message. `failed`: it must come again. `awaitsRecording`: the store is asked again. */
export type RecordResult =
  | { readonly kind: 'done'; readonly awaitsRecording: boolean }
  | { readonly kind: 'failed'; readonly error: unknown };

export interface RecordWork<Message extends SqsRecord> {
  readonly work: (record: Message, context: OperationContext) => unknown;
  readonly options: CheckedSqsOptions<Message>;
  readonly leaseMs: number;
}

/** Never rejects. */
export async function handleRecord<Message extends SqsRecord>(
  keyed: KeyedRecord<Message>,
  { work, options, leaseMs }: RecordWork<Message>,
): Promise<RecordResult> {
  if ('error' in keyed) return { kind: 'failed', error: keyed.error };
  const { record, scope, key } = keyed;
  const { fingerprint, label, onAbandoned, fifo: _, concurrency: __, onRecordFailed: ___, ...policy } = options;
  let isBypassed = false;
  const run = async (context: OperationContext): Promise<void> => {
    isBypassed = context.bypassed;
    await work(record, context);
  };
  try {
    const shownLabel = await label?.(record);
    const execution = await executeIdempotently<void>(run, {
      ...policy,
      scope,
      key,
      leaseMs,
      ...(shownLabel === undefined ? {} : { label: shownLabel }),
      // A list, because executeIdempotently compares no payload that is undefined.
      ...(fingerprint === false ? {} : { fingerprint: [await fingerprint(record)] }),
      ...(typeof onAbandoned === 'function'
        ? { onAbandoned: (context) => onAbandoned(context, record) }
        : onAbandoned === undefined
          ? {}
          : { onAbandoned }),
    });
    return toRecordResult(execution, isBypassed);
  } catch (error) {
    return { kind: 'failed', error };
  }
}

function toRecordResult(execution: Execution<void>, isBypassed: boolean): RecordResult {
  switch (execution.kind) {
    case 'executed':
      return { kind: 'done', awaitsRecording: !execution.recorded && !isBypassed };
    case 'replayed':
    case 'expired':
      return { kind: 'done', awaitsRecording: false };
    case 'in_progress':
      return { kind: 'failed', error: new InProgressError(execution.retryAfterMs) };
    case 'key_reused':
      return { kind: 'failed', error: new KeyReusedError() };
    case 'outcome_unknown':
      return { kind: 'failed', error: new OutcomeUnknownError(execution.retryAfterMs, execution.recordName) };
  }
}
