// lookup: from what a person knows about a request or a call to its record.
import { recordName as nameOf, type RecordNameParts } from '../engine/record-name.js';
import { StoreClient } from '../engine/store-client.js';
import { monotonicMs } from '../engine/time.js';
import type { IdempotencyStore } from '../store/port.js';
import { checkStore } from './check-store.js';
import { type RecordView, toRecordView } from './record-view.js';

/**
 * Reads a record, decoded, as plain data for people. Changes nothing, and decides nothing: by the time you read it, another process may
 * have gone on.
 *
 * @param record - the record's name, as events, `listDoubts` and problem documents show it, or the parts of it, as `recordName` takes them
 * @returns the record; null where the store has none, because there was no such work or because its record has expired
 *
 * Rejects with a `StoreError` where the store fails, does not respond within its `callTimeoutMs`, or has a damaged record, and with a
 * `ConfigurationError` for parts that name no record.
 *
 * @example
 * const view = await lookup(store, { scope: 'alice', key: 'order-17', method: 'POST', path: '/payments' });
 * if (view?.outcome?.kind === 'response') console.log(view.outcome.response.status, view.completedAt);
 */
export async function lookup(store: IdempotencyStore, record: string | RecordNameParts): Promise<RecordView | null> {
  const storeClient = StoreClient.forStore(checkStore('lookup()', store));
  const recordName = typeof record === 'string' ? record : nameOf(record);
  const deadlineAt = monotonicMs() + store.callTimeoutMs;
  const read = () => store.read(recordName);
  const { record: found, now } = await storeClient.callWithRetry(
    'read',
    { recordName, operation: null },
    read,
    deadlineAt,
  );
  return found === null ? null : toRecordView(recordName, found, now);
}
