// The records of a memory store. It rejects a record that does not fit, and drops expired records a few at a time.
import { StoreError } from '../../errors.js';
import { maxTextLength } from '../../protocol/argument-checks.js';
import { isLive, type StoredRecord } from '../../protocol/record.js';
import { DoubtIndex, type IndexedEntry } from './doubt-index.js';
import { ExpiryHeap, type HeapItem } from './expiry-heap.js';

export interface TableLimits {
  readonly maxRecords: number;
  readonly maxBytes: number;
  /** The share of both limits that one scope may use. */
  readonly maxScopeShare: number;
}

/** Comes with a call that may start an attempt. */
export interface AttemptAdmission {
  /** The scope of the record; null if it is not known. */
  readonly scope: string | null;
}

interface Entry extends HeapItem, IndexedEntry {
  /** Grows from entry to entry in the order of the map. A cursor made of it stays valid after its entry is removed. */
  readonly serial: number;
  readonly scope: string | null;
  bytes: number;
}

/** What a set of records uses. */
interface Usage {
  records: number;
  bytes: number;
}

/** The overhead of a record, and of a step, besides its bytes and texts. Measured on Node 20 and rounded up. */
const recordOverheadBytes = 768;
const stepOverheadBytes = 320;

/**
 * Every record that may still be completed reserves room for `note`, `by` and `reason` at their maximum length. So its completion without
 * an outcome needs no more room.
 */
const completionReserveBytes = 3 * 2 * maxTextLength;

/** New attempts may not use this share of the room. It is kept for the steps and outcomes of running attempts. */
const reservedShare = 1 / 16;

const zeroUsage: Readonly<Usage> = { records: 0, bytes: 0 };

/**
 * Every record is in the expiry heap once: first with the expiry of its outcome, then with its own. Each call handles a few entries that
 * are due, more than it can add. So the table is never scanned, and no backlog grows.
 */
export class RecordTable {
  readonly #entries = new Map<string, Entry>();
  readonly #expiryHeap = new ExpiryHeap<Entry>();
  readonly #doubts = new DoubtIndex();
  readonly #limits: TableLimits;
  readonly #usageByScope = new Map<string, Usage>();
  readonly #totalUsage: Usage = { records: 0, bytes: 0 };
  #lastSerial = 0;

  constructor(limits: TableLimits) {
    this.#limits = limits;
  }

  /** The record as it was written. It may have expired. */
  get(key: string): StoredRecord | null {
    return this.#entries.get(key)?.record ?? null;
  }

  /**
   * Keeps the record, or throws `unavailable` and changes nothing. A record that needs no more room is always accepted. `admission` is
   * null if the attempt has already begun.
   */
  put(key: string, record: StoredRecord, now: number, admission: AttemptAdmission | null): void {
    const bytes = recordSizeBytes(key, record);
    while (this.#exceededLimit(key, bytes, admission) !== null && this.#expireFirst(now));
    const exceeded = this.#exceededLimit(key, bytes, admission);
    if (exceeded !== null) throw storeFullError(exceeded, this.#limits);

    const entry = this.#entries.get(key);
    const scope = admission?.scope ?? null;
    if (entry !== undefined) this.#replace(entry, record, bytes);
    else {
      const serial = ++this.#lastSerial;
      this.#add({ key, serial, scope, record, bytes, dueAt: nextExpiryAt(record), heapIndex: 0, doubtSerial: 0 });
    }
  }

  /** Handles at most `max` entries that are due. */
  expireDue(now: number, max: number): void {
    for (let count = 0; count < max && this.#expireFirst(now); count += 1);
  }

  /** At most `limit` live records with a serial above `serial`, in the order in which they were added. */
  page(serial: number, limit: number, now: number): { key: string; serial: number; record: StoredRecord }[] {
    const page = [];
    for (const entry of this.#entries.values()) {
      if (entry.serial <= serial || !isLive(entry.record, now)) continue;
      page.push({ key: entry.key, serial: entry.serial, record: entry.record });
      if (page.length === limit) break;
    }
    return page;
  }

  /** The same of the records that are in doubt. It looks only at those that may come into doubt. */
  pageOfDoubts(serial: number, limit: number, now: number): { key: string; serial: number; record: StoredRecord }[] {
    return this.#doubts.page(serial, limit, now);
  }

  /** The limit that a record of this size would exceed, or null. */
  #exceededLimit(key: string, bytes: number, admission: AttemptAdmission | null): keyof TableLimits | null {
    const { maxRecords, maxBytes, maxScopeShare } = this.#limits;
    const before = this.#entries.get(key);
    const scope = before === undefined ? (admission?.scope ?? null) : before.scope;
    const used = (scope === null ? undefined : this.#usageByScope.get(scope)) ?? zeroUsage;
    if (before === undefined) {
      if (this.#totalUsage.records >= maxRecords) return 'maxRecords';
      if (scope !== null && used.records >= Math.max(1, maxRecords * maxScopeShare)) return 'maxScopeShare';
    }
    const growth = bytes - (before?.bytes ?? 0);
    if (growth <= 0) return null;
    const limit = maxBytes * (admission === null ? 1 : 1 - reservedShare);
    if (this.#totalUsage.bytes + growth > limit) return 'maxBytes';
    return scope !== null && used.bytes + growth > limit * maxScopeShare ? 'maxScopeShare' : null;
  }

  /** Removes the first due record if it has expired. If only its outcome has expired, frees the bytes and keeps the tombstone. */
  #expireFirst(now: number): boolean {
    const entry = this.#expiryHeap.peek();
    if (entry === undefined || entry.dueAt > now) return false;
    if (isLive(entry.record, now)) {
      const tombstone = { ...entry.record, outcome: null };
      this.#replace(entry, tombstone, recordSizeBytes(entry.key, tombstone));
    } else {
      this.#remove(entry);
    }
    return true;
  }

  #add(entry: Entry): void {
    this.#entries.set(entry.key, entry);
    this.#expiryHeap.insert(entry);
    this.#doubts.update(entry);
    this.#addUsage(entry.scope, 1, entry.bytes);
  }

  #replace(entry: Entry, record: StoredRecord, bytes: number): void {
    this.#addUsage(entry.scope, 0, bytes - entry.bytes);
    entry.record = record;
    entry.bytes = bytes;
    this.#expiryHeap.reschedule(entry, nextExpiryAt(record));
    this.#doubts.update(entry);
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry.key);
    this.#expiryHeap.remove(entry);
    this.#doubts.remove(entry);
    this.#addUsage(entry.scope, -1, -entry.bytes);
  }

  #addUsage(scope: string | null, records: number, bytes: number): void {
    this.#totalUsage.records += records;
    this.#totalUsage.bytes += bytes;
    if (scope === null) return;
    const used = this.#usageByScope.get(scope) ?? { ...zeroUsage };
    used.records += records;
    used.bytes += bytes;
    if (used.records === 0) this.#usageByScope.delete(scope);
    else this.#usageByScope.set(scope, used);
  }
}

function nextExpiryAt(record: StoredRecord): number {
  return record.outcome === null ? record.expiresAt : Math.min(record.outcomeEndAt, record.expiresAt);
}

function recordSizeBytes(key: string, record: StoredRecord): number {
  const { fingerprint, ownerToken, operation, label, traceparent, note, decisions, outcome, steps } = record;
  const noteBytes = mayBeCompleted(record) ? completionReserveBytes : textBytes([note]);
  const texts = textBytes([
    key,
    ownerToken,
    fingerprint,
    operation,
    label,
    traceparent,
    ...decisions.flatMap(({ by, reason }) => [by, reason]),
  ]);
  let bytes = recordOverheadBytes + texts + noteBytes + (outcome?.byteLength ?? 0);
  for (const [step, entry] of steps) bytes += stepOverheadBytes + 2 * step.length + entry.bytes.byteLength;
  return bytes;
}

/** Its owner, or a decision, may still complete the record. */
function mayBeCompleted({ state }: StoredRecord): boolean {
  return state === 'in_progress' || state === 'unknown';
}

function textBytes(texts: readonly (string | null | undefined)[]): number {
  return texts.reduce((bytes, text) => bytes + 2 * (text?.length ?? 0), 0);
}

function storeFullError(option: keyof TableLimits, limits: TableLimits): StoreError {
  const limit = `${option} is ${limits[option]}`;
  const what = option === 'maxScopeShare' ? 'MemoryStore has no more room for this scope' : 'MemoryStore is full';
  return new StoreError(
    'unavailable',
    `${what}: ${limit}. Records are never dropped to make room; raise ${option}, ` +
      'shorten the times that records are kept, or use a store outside of the process.',
    { refusal: 'full' },
  );
}
