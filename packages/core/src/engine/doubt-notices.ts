// Which doubts this process has published already, so that the event `outcome_unknown` comes once for each attempt.
import { type EventSubject, hasListeners, publish, type UnknownCause } from '../events.js';
import { processWide } from '../process-wide.js';
import { isInDoubt } from '../protocol/doubt.js';
import type { StoredRecord } from '../protocol/record.js';
import type { IdempotencyStore } from '../store/port.js';
import type { ExecutionRequest } from './execution.js';
import type { StoreClient } from './store-client.js';
import { monotonicMs } from './time.js';

/** An attempt whose outcome nobody knows. */
export interface DoubtfulAttempt {
  readonly recordName: string;
  readonly operation: string;
  readonly attempt: number;
  readonly fencingToken: number;
}

interface Notice {
  /** The attempt that was published. Null: none has been yet. */
  fencingToken: number | null;
  /** When the record was last read because a caller was refused, in monotonic milliseconds. */
  readAt: number;
}

/** A store that has more doubts at once publishes some of them again. */
const maxNotices = 10_000;
/** A client that retries must not make a store read the record each time. */
const minReadIntervalMs = 5_000;

/** Publishes that nobody knows the outcome of the attempt, unless this process has published it already. */
export function publishDoubt(
  store: IdempotencyStore,
  { recordName, operation, attempt, fencingToken }: DoubtfulAttempt,
  cause: UnknownCause,
  durationMs: number | null,
): void {
  if (!hasListeners('outcome_unknown') || !markPublished(store, recordName, fencingToken)) return;
  const subject: EventSubject = { store: store.name, recordName, operation };
  publish('outcome_unknown', () => ({ ...subject, attempt, durationMs, cause }));
}

/** Counts the attempt as published. Returns whether it was not. */
export function markPublished(store: IdempotencyStore, recordName: string, fencingToken: number): boolean {
  const notice = noticeOf(store, recordName);
  if (notice.fencingToken === fencingToken) return false;
  notice.fencingToken = fencingToken;
  return true;
}

/**
 * A caller was refused because of a doubt: reads in the background which attempt left it, and publishes that. The reply to the caller does
 * not say it, and does not wait for it.
 */
export function noticeRefusal(storeClient: StoreClient, request: ExecutionRequest): void {
  if (!hasListeners('outcome_unknown')) return;
  const { store } = storeClient;
  const notice = noticeOf(store, request.recordName);
  if (monotonicMs() - notice.readAt < minReadIntervalMs) return;
  notice.readAt = monotonicMs();
  const read = storeClient.call('read', request, () => store.read(request.recordName));
  read.then(
    ({ record, now }) => {
      if (record !== null && isInDoubt(record, now)) publishRecord(store, request.recordName, record);
    },
    // The event `store_error` has it, and the next refusal reads again.
    () => {},
  );
}

function publishRecord(store: IdempotencyStore, recordName: string, record: StoredRecord): void {
  const cause = record.state === 'unknown' ? 'left_unknown' : 'abandoned';
  publishDoubt(store, { ...record, recordName }, cause, null);
}

function noticeOf(store: IdempotencyStore, recordName: string): Notice {
  const notices = noticesOf(store);
  const known = notices.get(recordName);
  if (known !== undefined) return known;
  const [oldest] = notices.keys();
  if (notices.size >= maxNotices && oldest !== undefined) notices.delete(oldest);
  const notice: Notice = { fencingToken: null, readAt: Number.NEGATIVE_INFINITY };
  notices.set(recordName, notice);
  return notice;
}

/** A store around another one shares what was published of that one's records. */
function noticesOf(store: IdempotencyStore): Map<string, Notice> {
  let innermost = store;
  while (innermost.wrappedStore !== undefined) innermost = innermost.wrappedStore;
  const all = processWide('doubt-notices/1', () => new WeakMap<IdempotencyStore, Map<string, Notice>>());
  const known = all.get(innermost);
  if (known !== undefined) return known;
  const notices = new Map<string, Notice>();
  all.set(innermost, notices);
  return notices;
}
