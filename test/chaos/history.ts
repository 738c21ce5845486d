// The events of a chaos run, one JSON line each, and how processes write them: at once, so that a kill loses none.
import { openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/**
 * `at` is the clock of the machine, in milliseconds; `by` is the process. Everything runs on one machine and nothing moves
 * its clock, so `at` may be compared with the `now` of an answer, which is the same clock read by the server.
 */
interface Written {
  readonly at: number;
  readonly by: string;
}

/** What belongs to one key carries it, and the call of `execute` that it came from. */
interface OfKey extends Written {
  readonly key: string;
  readonly call: string;
}

/** `execute` was called. */
export interface Called extends OfKey {
  readonly kind: 'called';
  readonly client: string;
  readonly onAbandoned: string;
  /** One of the last repeats, after every fault has been healed: it has to be answered. */
  readonly last: boolean;
}

/** `execute` came back. `now` is the last time of the store that the call was told; 0 if none. */
export interface Returned extends OfKey {
  readonly kind: 'returned';
  readonly answer: 'executed' | 'replayed' | 'in_progress' | 'mismatch' | 'unknown' | 'expired' | 'threw' | 'refused';
  readonly recorded?: boolean | undefined;
  /** Of the value, where there is one. */
  readonly digest?: string | undefined;
  readonly now: number;
  readonly why?: string | undefined;
}

/** The operation begins under a lease. */
export interface Began extends OfKey {
  readonly kind: 'began';
  readonly fence: number;
  readonly attempt: number;
}

/** The operation ended: with a value, or by throwing. */
export interface Finished extends OfKey {
  readonly kind: 'finished';
  readonly fence: number;
  readonly threw: boolean;
}

export type Verb = 'acquire' | 'renew' | 'checkpoint' | 'complete' | 'release' | 'resolve' | 'read' | 'remove';

/** One call of a verb of the store: `ask` pairs the question with what became of it, within one process. */
interface Exchanged extends OfKey {
  readonly verb: Verb;
  readonly ask: number;
  /** The owner token, of verbs that have one. */
  readonly token?: string | undefined;
  /** The fencing token: the owner's; for `acquire` the one granted; for `resolve` the one expected. */
  readonly fence?: number | undefined;
}

/** Written before anything is sent. */
export interface Asked extends Exchanged {
  readonly kind: 'asked';
  /** Of release and resolve. */
  readonly as?: string | undefined;
  /** Of the bytes to be recorded; null for none. */
  readonly digest?: string | null | undefined;
}

/** The store answered. */
export interface Told extends Exchanged {
  readonly kind: 'told';
  readonly answer: string;
  readonly now: number;
  readonly leaseEndAt?: number | undefined;
  readonly attempt?: number | undefined;
  readonly takeover?: boolean | undefined;
  readonly guarded?: boolean | undefined;
  /** Of the bytes that stand on record, or that were recorded; null for a record that keeps none. */
  readonly digest?: string | null | undefined;
  /** Of a completed record: whose it is, and since when. */
  readonly completedBy?: number | undefined;
  readonly completedAt?: number | undefined;
}

/** The store failed to answer. */
export interface Failed extends Exchanged {
  readonly kind: 'failed';
  readonly class: string;
  readonly why: string;
}

/** Not over by its deadline and a tenth; `ask` is null for a call of `execute`. */
export interface Late extends OfKey {
  readonly kind: 'late';
  readonly what: string;
  readonly ask: number | null;
  readonly deadlineMs: number;
}

export type KeyEvent = Called | Returned | Began | Finished | Asked | Told | Failed | Late;

/** What became of a process. `died`: it ended and nobody had asked it to. */
export interface ProcessEvent extends Written {
  readonly kind: 'process';
  readonly name: string;
  readonly what: 'started' | 'killed' | 'paused' | 'resumed' | 'ended' | 'died';
}

/** A rejection that nobody handled, or an exception that nobody caught. */
export interface Unhandled extends Written {
  readonly kind: 'unhandled';
  readonly why: string;
}

/** An event of onceguard that tells of lost data. */
export interface Reported extends Written {
  readonly kind: 'reported';
  readonly event: 'record_lost' | 'data_may_be_lost';
  readonly detail: string;
}

export interface Injected extends Written {
  readonly kind: 'injected';
  readonly fault: string;
}

/**
 * From `at` on the store's data is not what it was: a new life. What is told later with `now` after `at` belongs to it;
 * no server answered between the end of the old life and the beginning of the new one.
 */
export interface LifeBegan extends Written {
  readonly kind: 'life';
  readonly why: string;
}

/** A key of the server as it was found at the end. */
export interface Scanned extends Written {
  readonly kind: 'scanned';
  readonly name: string;
  readonly pttlMs: number;
}

export type RunEvent = ProcessEvent | Unhandled | Reported | Injected | LifeBegan | Scanned;

export type HistoryEvent = KeyEvent | RunEvent;

type Unwritten<Event> = Event extends Written ? Omit<Event, keyof Written> : never;

export class HistoryWriter {
  readonly #file: number;

  constructor(
    folder: string,
    readonly by: string,
  ) {
    this.#file = openSync(join(folder, `${by}${suffix}`), 'a');
  }

  write(event: Unwritten<HistoryEvent>): void {
    writeSync(this.#file, `${JSON.stringify({ at: Date.now(), by: this.by, ...event })}\n`);
  }
}

const suffix = '.jsonl';

/** All that the processes of a run have written. */
export function readHistories(folder: string): HistoryEvent[] {
  const files = readdirSync(folder).filter((name) => name.endsWith(suffix));
  return files.flatMap((name) => linesOf(join(folder, name)).map((line): HistoryEvent => JSON.parse(line)));
}

function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}
