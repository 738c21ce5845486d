// What the replies of a store on a database say about the records that it found. The tables may still have what has ended.
import { isInDoubt } from '../protocol/doubt.js';
import { blankRecord, isLive, type StoredRecord } from '../protocol/record.js';
import type { ReadReply, ScanPage, ScanRequest } from '../store/port.js';

export interface KeyedRecord {
  readonly key: string;
  /** Null: this version cannot read it. */
  readonly record: StoredRecord | null;
}

/** The reply of `read` for a record that was found, or null. `now` is the store's clock in milliseconds. */
export function toReadReply(record: StoredRecord | null, now: number): ReadReply {
  return { now, record: isLive(record, now) ? withoutExpiredOutcome(record, now) : null };
}

/** The page of `scan` for what was found: at most `request.limit` records in the order of their keys. `now` is the store's clock. */
export function toScanPage(found: readonly KeyedRecord[], request: ScanRequest, now: number): ScanPage {
  const records = found.flatMap(({ key, record }) => {
    if (!isLive(record, now) || (request.inDoubt === true && !isInDoubt(record, now))) return [];
    return [{ key, record: withoutExpiredOutcome(record, now) }];
  });
  const last = found.length < request.limit ? undefined : found.at(-1);
  return { now, records, skipped: found.filter(({ record }) => record === null).length, cursor: last?.key ?? null };
}

/**
 * Stands for a record that this version cannot read, where an operator removes it. `fencingToken`: the one that it has, or the store's
 * clock, which is higher than every token that the store has issued.
 */
export function unreadableRecord(fencingToken: number, now: number): StoredRecord {
  return { ...blankRecord, state: 'retryable', fencingToken, expiresAt: now + 1 };
}

function withoutExpiredOutcome(record: StoredRecord, now: number): StoredRecord {
  return now < record.outcomeEndAt ? record : { ...record, outcome: null };
}
