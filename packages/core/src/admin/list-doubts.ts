// listDoubts: the work whose outcome nobody knows, page by page.
import { z } from 'zod';
import { deriveKeyFromRecordName } from '../engine/derived-key.js';
import type { StepInDoubt } from '../engine/recovery.js';
import { StoreClient } from '../engine/store-client.js';
import { milliseconds, parseOptions, wholeNumber } from '../parse-options.js';
import { isIntent, type RecordedDecision, type StoredRecord } from '../protocol/record.js';
import type { IdempotencyStore } from '../store/port.js';
import { checkStore } from './check-store.js';

/** Work that began, has no outcome, and is not running. */
export interface Doubt {
  /** The record's name in the store, as events show it. It is never the client's key. */
  readonly recordName: string;
  /** `unknown`: an attempt ended and left its outcome unknown. `abandoned`: its owner vanished. */
  readonly state: 'unknown' | 'abandoned';
  /** False: nobody has to decide, because the next caller runs the work again. It is stuck until one comes. */
  readonly needsDecision: boolean;
  readonly attempt: number;
  readonly fencingToken: number;
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
  /** How many keys look like records and cannot be read. Nobody knows whether they are in doubt. */
  readonly skipped: number;
  /** The `cursor` of the next page. Null: this page was the last. */
  readonly cursor: string | null;
}

export interface ListDoubtsOptions {
  /** From the page before. Default null: the first page. */
  cursor?: string | null;
  /** About how many records one page looks at. 1 to 10 000, default 100. */
  limit?: number;
  /** How long the store may take for the page, in milliseconds. 1 to 600 000, default 10 000. */
  timeoutMs?: number;
}

const schema = z.strictObject({
  cursor: z.string().nullable().default(null),
  limit: wholeNumber('records', 1, 10_000, 'The cursor leads to the next page.').default(100),
  timeoutMs: milliseconds(1, 600_000).default(10_000),
});

/**
 * Lists work that has no outcome and that nobody is working on, one page a call and in no order. A page may be empty before the last
 * one. The pages are no snapshot: what changes meanwhile may be missed, or listed twice.
 *
 * Rejects with a `StoreError` where the store fails or does not respond within `timeoutMs`, and with a `ConfigurationError` for
 * options that are not valid.
 *
 * @example
 * const { doubts, cursor } = await listDoubts(store);
 */
export async function listDoubts(store: IdempotencyStore, options: ListDoubtsOptions = {}): Promise<DoubtPage> {
  const storeClient = StoreClient.forStore(checkStore('listDoubts()', store));
  const { cursor, limit, timeoutMs } = parseOptions('listDoubts()', schema, options);
  const page = await storeClient.call('scan', null, () => store.scan({ cursor, limit }), timeoutMs);
  const doubts = page.records.flatMap(({ key, record }) => toDoubt(key, record, page.now) ?? []);
  return { doubts, skipped: page.skipped, cursor: page.cursor };
}

function toDoubt(recordName: string, record: StoredRecord, now: number): Doubt | null {
  const isAbandoned = record.state === 'in_progress' && now >= record.leaseEndAt;
  if (record.state !== 'unknown' && !isAbandoned) return null;
  const { attempt, fencingToken, retryAt, expiresAt, decisions } = record;
  const steps = [...record.steps];
  const inDoubt = steps.filter(([, entry]) => isIntent(entry)).map(([step]) => step);
  return {
    recordName,
    state: isAbandoned ? 'abandoned' : 'unknown',
    needsDecision: !isAbandoned || record.guarded || inDoubt.length > 0,
    attempt,
    fencingToken,
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
