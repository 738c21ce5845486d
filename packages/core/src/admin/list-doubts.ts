// listDoubts: the work that somebody has to decide about, page by page.
import * as z from 'zod';
import { deriveKeyFromRecordName } from '../engine/derived-key.js';
import type { StepInDoubt } from '../engine/recovery.js';
import { StoreClient } from '../engine/store-client.js';
import { milliseconds, parseOptions, wholeNumber } from '../parse-options.js';
import { isInDoubt } from '../protocol/doubt.js';
import { isIntent, type RecordedDecision, type StoredRecord } from '../protocol/record.js';
import type { IdempotencyStore } from '../store/port.js';
import { checkStore } from './check-store.js';

/** Work that began, has no outcome, is not running, and must not run again before somebody decides. */
export interface Doubt {
  /** The record's name in the store, as events show it. It is never the client's key. */
  readonly recordName: string;
  /** `unknown`: an attempt ended and left its outcome unknown. `abandoned`: its owner vanished. */
  readonly state: 'unknown' | 'abandoned';
  /** What kind of work it is, such as `POST /payments`. */
  readonly operation: string;
  /** What the application calls this work; null for none. */
  readonly label: string | null;
  /** The trace of the last attempt, as a W3C `traceparent`; null for none. */
  readonly traceparent: string | null;
  readonly attempt: number;
  readonly fencingToken: number;
  /** When the first and the last attempt began, in milliseconds since 1970 on the store's clock. */
  readonly firstAcquiredAt: number;
  readonly acquiredAt: number;
  /** The names of the steps whose results are on record. */
  readonly recordedSteps: readonly string[];
  /** The steps that began and whose end is not known, each with the key that the other system was given. */
  readonly stepsInDoubt: readonly StepInDoubt[];
  /** When `recover` may be called again, in milliseconds since 1970 on the store's clock. Null: now. */
  readonly retryAt: number | null;
  /** Until when the record is kept, in milliseconds since 1970 on the store's clock. */
  readonly expiresAt: number;
  /** The policy of the attempt, in milliseconds. A decision is kept at least so long. */
  readonly ttlMs: number;
  readonly tombstoneMs: number;
  readonly unknownTtlMs: number;
  /** The last five decisions about this work, oldest first. */
  readonly decisions: readonly RecordedDecision[];
}

export interface DoubtPage {
  readonly doubts: readonly Doubt[];
  /** How many records may be in doubt and cannot be read: damaged ones, and those that a newer version wrote. */
  readonly skipped: number;
  /** The `cursor` of the next page. Null: this page was the last. */
  readonly cursor: string | null;
}

export interface ListDoubtsOptions {
  /** From the page before. Default null: the first page. */
  cursor?: string | null;
  /** About how many doubts one page has at most. 1 to 10 000, default 100. */
  limit?: number;
  /** Only doubts of this operation. Default: of every one. */
  operation?: string;
  /** Only doubts with this label. Default: with any, and with none. */
  label?: string;
  /** Only doubts whose last attempt began at least so many milliseconds ago, by the store's clock. Default 0: all. */
  olderThanMs?: number;
  /** How long the store may take for the page, in milliseconds. 1 to 600 000, default 10 000. */
  timeoutMs?: number;
}

const schema = z.strictObject({
  cursor: z.string().nullable().default(null),
  limit: wholeNumber('doubts', 1, 10_000, 'The cursor leads to the next page.').default(100),
  operation: z.string().optional(),
  label: z.string().optional(),
  olderThanMs: milliseconds(0, 1e14).default(0),
  timeoutMs: milliseconds(1, 600_000).default(10_000),
});

/**
 * Lists work that somebody has to decide about, one page a call and in no order: its outcome is unknown, or its owner vanished and
 * nobody may run it again (`onAbandoned`, or a step with `atMostOnce` that is in doubt). Abandoned work that the next caller runs again is
 * not listed. A page may be empty before the last one. The pages are no snapshot: what changes meanwhile may be missed, or listed twice.
 *
 * Stores keep an index of such work, so the cost follows what is in doubt, not what is stored.
 *
 * Rejects with a `StoreError` where the store fails or does not respond within `timeoutMs`, and with a `ConfigurationError` for
 * options that are not valid.
 *
 * @example
 * const { doubts, cursor } = await listDoubts(store);
 */
export async function listDoubts(store: IdempotencyStore, options: ListDoubtsOptions = {}): Promise<DoubtPage> {
  const storeClient = StoreClient.forStore(checkStore('listDoubts()', store));
  const { cursor, limit, timeoutMs, ...filter } = parseOptions('listDoubts()', schema, options);
  const page = await storeClient.call('scan', null, () => store.scan({ cursor, limit, inDoubt: true }), timeoutMs);
  const doubts = page.records.flatMap(({ key, record }) => {
    return matches(record, filter, page.now) ? (toDoubt(key, record, page.now) ?? []) : [];
  });
  return { doubts, skipped: page.skipped, cursor: page.cursor };
}

function matches(
  record: StoredRecord,
  {
    operation,
    label,
    olderThanMs,
  }: { operation?: string | undefined; label?: string | undefined; olderThanMs: number },
  now: number,
): boolean {
  if (operation !== undefined && record.operation !== operation) return false;
  if (label !== undefined && record.label !== label) return false;
  return now - record.acquiredAt >= olderThanMs;
}

function toDoubt(recordName: string, record: StoredRecord, now: number): Doubt | null {
  // A store may not know the option and return all records.
  if (!isInDoubt(record, now)) return null;
  const { operation, label, traceparent, attempt, fencingToken, firstAcquiredAt, acquiredAt } = record;
  const { retryAt, expiresAt, decisions } = record;
  const steps = [...record.steps];
  const inDoubt = steps.filter(([, entry]) => isIntent(entry)).map(([step]) => step);
  return {
    recordName,
    state: record.state === 'unknown' ? 'unknown' : 'abandoned',
    operation,
    label,
    traceparent,
    attempt,
    fencingToken,
    firstAcquiredAt,
    acquiredAt,
    recordedSteps: steps.filter(([, entry]) => !isIntent(entry)).map(([step]) => step),
    stepsInDoubt: inDoubt.map((step) => ({ name: step, key: deriveKeyFromRecordName(recordName, step) })),
    retryAt,
    expiresAt,
    ttlMs: record.outcomeTtlMs,
    tombstoneMs: record.recordTtlMs,
    unknownTtlMs: record.unknownTtlMs,
    decisions,
  };
}
