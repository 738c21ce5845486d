// The records of a memory store. It refuses what does not fit, and drops what is over a few records at a time.
import { StoreError } from '../errors.js';
import { maxTextLength } from '../protocol/arguments.js';
import { isLive, type StoredRecord } from '../protocol/record.js';
import { Agenda, type Scheduled } from './agenda.js';

export interface Limits {
  readonly maxRecords: number;
  readonly maxBytes: number;
  /** The part of both that one scope may take up. */
  readonly maxScopeShare: number;
}

/** What comes with a call that lets an attempt begin. */
export interface Admission {
  /** Whose record it is; null: not known. */
  readonly scope: string | null;
}

interface Entry extends Scheduled {
  readonly key: string;
  /** Grows from entry to entry, in the order of the map: a cursor that outlives what it points at. */
  readonly serial: number;
  readonly scope: string | null;
  record: StoredRecord;
  bytes: number;
}

/** What the records of one scope take up. */
interface Usage {
  records: number;
  bytes: number;
}

/** What a record takes beside its bytes and texts, and a step beside its own: measured on Node 20, rounded up. */
const recordOverheadBytes = 768;
const stepOverheadBytes = 320;

/**
 * What every record that may still be completed reserves: a note, and who decided and why, at their longest. So completing it
 * without an outcome needs no room that it does not have.
 */
const completionReserveBytes = 3 * 2 * maxTextLength;

/** New attempts leave this part of the room to those that run: to their steps and outcomes. */
const runningShare = 1 / 16;

const nothingUsed: Readonly<Usage> = { records: 0, bytes: 0 };

/**
 * Every record is on the agenda once: for the end of its outcome's bytes, then for its own. Each call settles a few that
 * are due, more than it can add, so that nothing is ever scanned and no backlog grows.
 */
export class Ledger {
  readonly #entries = new Map<string, Entry>();
  readonly #agenda = new Agenda<Entry>();
  readonly #limits: Limits;
  readonly #scopes = new Map<string, Usage>();
  readonly #all: Usage = { records: 0, bytes: 0 };
  #serial = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** The record as it was written; it may be over. */
  get(key: string): StoredRecord | null {
    return this.#entries.get(key)?.record ?? null;
  }

  /**
   * Keeps the record, or throws `unavailable` and changes nothing. A record that needs no more room is never refused. `admission` is
   * null where the attempt has begun already.
   */
  put(key: string, record: StoredRecord, now: number, admission: Admission | null): void {
    const bytes = sizeOf(key, record);
    while (this.#lacking(key, bytes, admission) !== null && this.#settleFirst(now));
    const lacking = this.#lacking(key, bytes, admission);
    if (lacking !== null) throw full(lacking, this.#limits);

    const entry = this.#entries.get(key);
    const scope = admission?.scope ?? null;
    if (entry !== undefined) this.#replace(entry, record, bytes);
    else this.#add({ key, serial: ++this.#serial, scope, record, bytes, dueAt: dueAt(record), place: 0 });
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

  /** The limit that refuses a record of this size, or null. */
  #lacking(key: string, bytes: number, admission: Admission | null): keyof Limits | null {
    const { maxRecords, maxBytes, maxScopeShare } = this.#limits;
    const before = this.#entries.get(key);
    const scope = before === undefined ? (admission?.scope ?? null) : before.scope;
    const used = (scope === null ? undefined : this.#scopes.get(scope)) ?? nothingUsed;
    if (before === undefined) {
      if (this.#all.records >= maxRecords) return 'maxRecords';
      if (scope !== null && used.records >= Math.max(1, maxRecords * maxScopeShare)) return 'maxScopeShare';
    }
    const growth = bytes - (before?.bytes ?? 0);
    if (growth <= 0) return null;
    const limit = maxBytes * (admission === null ? 1 : 1 - runningShare);
    if (this.#all.bytes + growth > limit) return 'maxBytes';
    return scope !== null && used.bytes + growth > limit * maxScopeShare ? 'maxScopeShare' : null;
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
    this.#count(entry.scope, 1, entry.bytes);
  }

  #replace(entry: Entry, record: StoredRecord, bytes: number): void {
    this.#count(entry.scope, 0, bytes - entry.bytes);
    entry.record = record;
    entry.bytes = bytes;
    this.#agenda.move(entry, dueAt(record));
  }

  #drop(entry: Entry): void {
    this.#entries.delete(entry.key);
    this.#agenda.drop(entry);
    this.#count(entry.scope, -1, -entry.bytes);
  }

  #count(scope: string | null, records: number, bytes: number): void {
    this.#all.records += records;
    this.#all.bytes += bytes;
    if (scope === null) return;
    const used = this.#scopes.get(scope) ?? { ...nothingUsed };
    used.records += records;
    used.bytes += bytes;
    if (used.records === 0) this.#scopes.delete(scope);
    else this.#scopes.set(scope, used);
  }
}

function dueAt(record: StoredRecord): number {
  return record.outcome === null ? record.expiresAt : Math.min(record.outcomeEndAt, record.expiresAt);
}

function sizeOf(key: string, record: StoredRecord): number {
  const { fingerprint, token, note, decisions, outcome, steps } = record;
  const noted = mayBeCompleted(record) ? completionReserveBytes : textBytes([note]);
  const texts = textBytes([key, token, fingerprint, ...decisions.flatMap(({ by, reason }) => [by, reason])]);
  let bytes = recordOverheadBytes + texts + noted + (outcome?.byteLength ?? 0);
  for (const [step, held] of steps) bytes += stepOverheadBytes + 2 * step.length + held.bytes.byteLength;
  return bytes;
}

/** By its owner, or by somebody who decides. */
function mayBeCompleted({ state }: StoredRecord): boolean {
  return state === 'in_progress' || state === 'unknown';
}

function textBytes(texts: readonly (string | null | undefined)[]): number {
  return texts.reduce((bytes, text) => bytes + 2 * (text?.length ?? 0), 0);
}

function full(option: keyof Limits, limits: Limits): StoreError {
  const limit = `${option} is ${limits[option]}`;
  const what = option === 'maxScopeShare' ? 'MemoryStore has no more room for this scope' : 'MemoryStore is full';
  return new StoreError(
    'unavailable',
    `${what}: ${limit}. Records are never dropped to make room; raise ${option}, ` +
      'shorten the times that records are kept, or use a store outside of the process.',
    { refusal: 'full' },
  );
}
