// The events of a chaos run, one JSON line each, and how processes write them: at once, so that a kill loses none.
import { openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/**
 * `at` is the clock of the machine, in milliseconds; `by` is the process. Everything runs on one machine and nothing moves
 * its clock, so `at` may be compared with the `now` of an answer, which is the same clock read by the server.
 */
interface EventBase {
  readonly at: number;
  readonly by: string;
}

/** What belongs to one key carries it, and the call of `execute` that it came from. */
interface KeyEventBase extends EventBase {
  readonly key: string;
  readonly call: string;
}

/** `execute` was called. */
export interface ExecuteCalled extends KeyEventBase {
  readonly kind: 'called';
  readonly client: string;
  readonly onAbandoned: string;
  /** One of the last repeats, after every fault has been healed: it has to be answered. */
  readonly isLastRepeat: boolean;
}

/** `execute` came back. `now` is the last time of the store that the call was told; 0 if none. */
export interface ExecuteReturned extends KeyEventBase {
  readonly kind: 'returned';
  readonly outcome:
    | 'executed'
    | 'replayed'
    | 'in_progress'
    | 'key_reused'
    | 'outcome_unknown'
    | 'expired'
    | 'threw'
    | 'refused';
  readonly recorded?: boolean | undefined;
  /** Of the value, where there is one. */
  readonly digest?: string | undefined;
  readonly now: number;
  readonly why?: string | undefined;
}

/** The operation begins under a lease. */
export interface OperationBegan extends KeyEventBase {
  readonly kind: 'began';
  readonly fencingToken: number;
  readonly attempt: number;
}

/** The operation ended: with a value, or by throwing. */
export interface OperationFinished extends KeyEventBase {
  readonly kind: 'finished';
  readonly fencingToken: number;
  readonly threw: boolean;
}

export type Verb = 'acquire' | 'renew' | 'checkpoint' | 'complete' | 'release' | 'resolve' | 'read' | 'remove';

/** One call of a verb of the store: `storeCallId` pairs the question with what became of it, within one process. */
interface StoreCallBase extends KeyEventBase {
  readonly verb: Verb;
  readonly storeCallId: number;
  /** The owner token, of verbs that have one. */
  readonly ownerToken?: string | undefined;
  /** The fencing ownerToken: the owner's; for `acquire` the one granted; for `resolve` the one expected. */
  readonly fencingToken?: number | undefined;
}

/** Written before anything is sent. */
export interface StoreCallSent extends StoreCallBase {
  readonly kind: 'asked';
  /** Of release and resolve. */
  readonly as?: string | undefined;
  /** Of the bytes to be recorded; null for none. */
  readonly digest?: string | null | undefined;
}

/** The store answered. */
export interface StoreReplied extends StoreCallBase {
  readonly kind: 'told';
  readonly reply: string;
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
export interface StoreCallFailed extends StoreCallBase {
  readonly kind: 'failed';
  readonly class: string;
  readonly why: string;
}

/** Not over by its deadline and a tenth; `storeCallId` is null for a call of `execute`. */
export interface CallOverdue extends KeyEventBase {
  readonly kind: 'late';
  readonly what: string;
  readonly storeCallId: number | null;
  readonly deadlineMs: number;
}

export type KeyEvent =
  | ExecuteCalled
  | ExecuteReturned
  | OperationBegan
  | OperationFinished
  | StoreCallSent
  | StoreReplied
  | StoreCallFailed
  | CallOverdue;

/** What became of a process. `died`: it ended and nobody had asked it to. */
export interface ProcessEvent extends EventBase {
  readonly kind: 'process';
  readonly name: string;
  readonly what: 'started' | 'killed' | 'paused' | 'resumed' | 'ended' | 'died';
}

/** A rejection that nobody handled, or an exception that nobody caught. */
export interface UnhandledError extends EventBase {
  readonly kind: 'unhandled';
  readonly why: string;
}

/** An event of onceguard that tells of lost data. */
export interface LossReported extends EventBase {
  readonly kind: 'reported';
  readonly event: 'record_lost' | 'data_may_be_lost';
  readonly detail: string;
}

export interface FaultInjected extends EventBase {
  readonly kind: 'injected';
  readonly fault: string;
}

/**
 * From `at` on the store's data is not what it was: a new life. What is told later with `now` after `at` belongs to it;
 * no server answered between the end of the old life and the beginning of the new one.
 */
export interface DataLost extends EventBase {
  readonly kind: 'life';
  readonly why: string;
}

/** A key of the server as it was found at the end. */
export interface KeyScanned extends EventBase {
  readonly kind: 'scanned';
  readonly name: string;
  readonly pttlMs: number;
}

export type RunEvent = ProcessEvent | UnhandledError | LossReported | FaultInjected | DataLost | KeyScanned;

export type HistoryEvent = KeyEvent | RunEvent;

type NewEvent<Event> = Event extends EventBase ? Omit<Event, keyof EventBase> : never;

export class HistoryWriter {
  readonly #file: number;

  constructor(
    folder: string,
    readonly by: string,
  ) {
    this.#file = openSync(join(folder, `${by}${suffix}`), 'a');
  }

  write(event: NewEvent<HistoryEvent>): void {
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
