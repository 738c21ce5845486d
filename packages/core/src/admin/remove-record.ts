// removeRecord: a person removes a record, so that its key is new.
import * as z from 'zod';
import { StoreClient } from '../engine/store-client.js';
import { monotonicMs } from '../engine/time.js';
import { StoreError } from '../errors.js';
import { publish } from '../events.js';
import { parseOptions } from '../parse-options.js';
import type { IdempotencyStore } from '../store/port.js';
import { checkStore } from './check-store.js';
import { boundedText } from './decision-fields.js';

export interface RemoveRecordOptions {
  /** Who removes it. 1 to 200 characters. */
  by: string;
  /** Why. 1 to 500 characters. */
  reason: string;
}

/**
 * How a removal ended. `removed`: the key is new. `gone`: the store has no such record. `in_progress`: an attempt is at work, and
 * nothing was changed.
 */
export type RemoveRecordReply = { readonly kind: 'removed' | 'gone' | 'in_progress'; readonly now: number };

const schema = z.strictObject({ by: boundedText(200), reason: boundedText(500) });

/**
 * Removes a record: the next request with its key runs the work, whether it was done or not. For records that are damaged, and for work
 * that has to run again although it is done. Where an outcome is unknown, use `resolveDoubt`, which keeps what was decided.
 *
 * A record with an attempt at work is left alone: a second attempt would run beside it. What is removed cannot be restored. The event
 * `decided` says who removed it and why (with `attempt` 0 where the record was damaged); the store keeps neither.
 *
 * Rejects with a `StoreError` where the store fails or does not respond within its `callTimeoutMs`, and with a `ConfigurationError` for
 * options that are not valid.
 *
 * @example
 * await removeRecord(store, recordName, { by: 'ada', reason: 'damaged by a restore; ticket 481' });
 */
export async function removeRecord(
  store: IdempotencyStore,
  recordName: string,
  options: RemoveRecordOptions,
): Promise<RemoveRecordReply> {
  const { by, reason } = parseOptions('removeRecord()', schema, options);
  const storeClient = StoreClient.forStore(checkStore('removeRecord()', store));
  const deadlineAt = monotonicMs() + store.callTimeoutMs;
  const read = () => store.read(recordName);
  const unknownWork = { recordName, operation: null };
  const found = await storeClient.callWithRetry('read', unknownWork, read, deadlineAt).catch(allowDamaged);
  const { record, now: readAt } = found ?? { record: null, now: 0 };
  if (found !== null && (record === null || record.state === 'removed')) return { kind: 'gone', now: readAt };
  if (record?.state === 'in_progress' && readAt < record.leaseEndAt) return { kind: 'in_progress', now: readAt };
  const subject = { recordName, operation: record?.operation ?? null };
  const { now } = await storeClient.callWithRetry('remove', subject, () => store.remove(recordName), deadlineAt);
  const attempt = record?.attempt ?? 0;
  publish('decided', () => ({ ...storeClient.eventSubject(subject), attempt, as: 'removed', by, reason }));
  return { kind: 'removed', now };
}

/** A damaged record can be removed: that is what removal is for. */
function allowDamaged(error: unknown): null {
  if (error instanceof StoreError && error.class === 'damaged') return null;
  throw error;
}
