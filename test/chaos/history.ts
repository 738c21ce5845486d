// The events of a chaos run, one JSON line each. Processes write them synchronously, so that a kill loses none.
import { openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/**
 * `at` is the time on the clock of the machine, in milliseconds; `by` is the process. Everything runs on one machine and nothing moves its
 * clock. So `at` is comparable with the `now` of a reply, which the server reads from the same clock.
 */
interface EventBase {
  readonly at: number;
  readonly by: string;
}

/** An event of one key, and the call of `executeIdempotently` that it belongs to. */
interface KeyEventBase extends EventBase {
  readonly key: string;
  readonly call: string;
}

/** `executeIdempotently` was called. */
export interface ExecuteCalled extends KeyEventBase {
  readonly kind: 'called';
  readonly client: string;
  readonly onAbandoned: string;
  /** Whether this is one of the last repeats, after all faults are healed. It must return an outcome. */
  readonly isLastRepeat: boolean;
}

/** `executeIdempotently` returned or threw. `now` is the last store time that the call received; 0 if none. */
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
  /** The digest of the value, if there is one. */
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

/** One store call. `storeCallId` connects the call with its reply or failure, within one process. */
interface StoreCallBase extends KeyEventBase {
  readonly verb: Verb;
  readonly storeCallId: number;
  /** The owner token, for operations that have one. */
  readonly ownerToken?: string | undefined;
  /** The fencing token of the owner; for `acquire` the granted one; for `resolve` the expected one. */
  readonly fencingToken?: number | undefined;
}

/** A store call, written before anything is sent. */
export interface StoreCallSent extends StoreCallBase {
  readonly kind: 'store_call';
  /** The member `as` of release and resolve. */
  readonly as?: string | undefined;
  /** The digest of the bytes to record; null if there are none. */
  readonly digest?: string | null | undefined;
}

/** The store replied. */
export interface StoreReplied extends StoreCallBase {
  readonly kind: 'store_reply';
  readonly reply: string;
  readonly now: number;
  readonly leaseEndAt?: number | undefined;
  readonly attempt?: number | undefined;
  readonly takeover?: boolean | undefined;
  readonly guarded?: boolean | undefined;
  /** The digest of the recorded bytes; null for a record without any. */
  readonly digest?: string | null | undefined;
  /** The fencing token and the time of the completion of a completed record. */
  readonly completedBy?: number | undefined;
  readonly completedAt?: number | undefined;
}

/** The store call failed. */
export interface StoreCallFailed extends StoreCallBase {
  readonly kind: 'store_call_failed';
  readonly class: string;
  readonly why: string;
}

/** A call had not ended by its deadline plus a tenth. `storeCallId` is null for a call of `executeIdempotently`. */
export interface CallOverdue extends KeyEventBase {
  readonly kind: 'overdue';
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

/** A process changed its state. `died`: it ended although nobody ended it. */
export interface ProcessEvent extends EventBase {
  readonly kind: 'process';
  readonly name: string;
  readonly what: 'started' | 'killed' | 'paused' | 'resumed' | 'ended' | 'died';
}

/** An unhandled rejection or an uncaught exception. */
export interface UnhandledError extends EventBase {
  readonly kind: 'unhandled';
  readonly why: string;
}

/** An event of onceguard that reports lost data. */
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
 * The store lost data at `at`, and a new data period begins. Replies with `now` after `at` belong to it. No server replied between the end
 * of the old period and the beginning of the new one.
 */
export interface DataLost extends EventBase {
  readonly kind: 'data_lost';
  readonly why: string;
}

/** A key of the server, as found at the end of the run. */
export interface KeyScanned extends EventBase {
  readonly kind: 'key_found';
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

/** Reads everything that the processes of a run have written. */
export function readHistories(folder: string): HistoryEvent[] {
  const files = readdirSync(folder).filter((name) => name.endsWith(suffix));
  return files.flatMap((name) => linesOf(join(folder, name)).map((line): HistoryEvent => JSON.parse(line)));
}

function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}
