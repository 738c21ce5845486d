// The records of a memory store: bounded by refusing, and rid of what is over a few records at a time.
import { StoreError } from '../errors.js';
import { isLive, type StoredRecord } from '../protocol/record.js';
import { Agenda, type Scheduled } from './agenda.js';

export interface Limits {
  readonly maxRecords: number;
  readonly maxBytes: number;
}

interface Entry extends Scheduled {
  readonly key: string;
  /** Grows from entry to entry, in the order of the map: a cursor that outlives what it points at. */
  readonly serial: number;
  record: StoredRecord;
  bytes: number;
}

/** What a record takes beside its bytes and texts, and a step beside its own: measured on Node 20, rounded up. */
const recordOverheadBytes = 768;
const stepOverheadBytes = 320;

/**
 * Every record is on the agenda once: for the end of its outcome's bytes, then for its own. Each call settles a few that
 * are due, more than it can add, so that nothing is ever scanned and no backlog grows.
 */
export class Ledger {
  readonly #entries = new Map<string, Entry>();
  readonly #agenda = new Agenda<Entry>();
  readonly #limits: Limits;
  #serial = 0;
  #bytes = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** The record as it was written; it may be over. */
  get(key: string): StoredRecord | null {
    return this.#entries.get(key)?.record ?? null;
  }

  /** Keeps the record, or throws `unavailable` and changes nothing. A record that needs no more room is never refused. */
  put(key: string, record: StoredRecord, now: number): void {
    const bytes = sizeOf(key, record);
    while (this.#lacking(key, bytes) !== null && this.#settleFirst(now));
    const lacking = this.#lacking(key, bytes);
    if (lacking !== null) throw full(lacking, this.#limits[lacking]);

    const entry = this.#entries.get(key);
    if (entry === undefined) this.#add({ key, serial: ++this.#serial, record, bytes, dueAt: dueAt(record), place: 0 });
    else this.#replace(entry, record, bytes);
  }

  /** Works off at most `most` of what is due. */
  settle(now: number, most: number): void {
    for (let count = 0; count < most && this.#settleFirst(now); count += 1);
  }

  /** At most `limit` live records that came after `serial`, in the order in which they came. */
  page(serial: number, limit: number, now: number): { key: string; serial: number; record: StoredRecord }[] {
    const page = [];
    for (const entry of this.#entries.values()) {
      if (entry.serial <= serial || !isLive(entry.record, now)) continue;
      page.push({ key: entry.key, serial: entry.serial, record: entry.record });
      if (page.length === limit) break;
    }
    return page;
  }

  #lacking(key: string, bytes: number): keyof Limits | null {
    const before = this.#entries.get(key);
    if (before === undefined && this.#entries.size >= this.#limits.maxRecords) return 'maxRecords';
    const growth = bytes - (before?.bytes ?? 0);
    return growth > 0 && this.#bytes + growth > this.#limits.maxBytes ? 'maxBytes' : null;
  }

  /** Drops what is gone; where only the outcome's time is over, frees its bytes and leaves the tombstone. */
  #settleFirst(now: number): boolean {
    const entry = this.#agenda.first();
    if (entry === undefined || entry.dueAt > now) return false;
    if (isLive(entry.record, now)) {
      const tombstone = { ...entry.record, outcome: null };
      this.#replace(entry, tombstone, sizeOf(entry.key, tombstone));
    } else {
      this.#drop(entry);
    }
    return true;
  }

  #add(entry: Entry): void {
    this.#entries.set(entry.key, entry);
    this.#agenda.add(entry);
    this.#bytes += entry.bytes;
  }

  #replace(entry: Entry, record: StoredRecord, bytes: number): void {
    this.#bytes += bytes - entry.bytes;
    entry.record = record;
    entry.bytes = bytes;
    this.#agenda.move(entry, dueAt(record));
  }

  #drop(entry: Entry): void {
    this.#entries.delete(entry.key);
    this.#agenda.drop(entry);
    this.#bytes -= entry.bytes;
  }
}

function dueAt(record: StoredRecord): number {
  return record.outcome === null ? record.expiresAt : Math.min(record.outcomeEndAt, record.expiresAt);
}

function sizeOf(key: string, record: StoredRecord): number {
  const { fingerprint, token, note, decisions, outcome, steps } = record;
  const texts = [key, token, fingerprint, note, ...decisions.flatMap(({ by, reason }) => [by, reason])];
  let bytes = recordOverheadBytes + (outcome?.byteLength ?? 0);
  for (const text of texts) bytes += 2 * (text?.length ?? 0);
  for (const [step, held] of steps) bytes += stepOverheadBytes + 2 * step.length + held.bytes.byteLength;
  return bytes;
}

function full(option: keyof Limits, limit: number): StoreError {
  return new StoreError(
    'unavailable',
    `MemoryStore is full: ${option} is ${limit}. Records are never dropped to make room; raise ${option}, ` +
      'shorten the times that records are kept, or use a store outside of the process.',
  );
}
