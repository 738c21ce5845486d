// The events that this package publishes: one diagnostics channel for each. An event without a listener costs one test.
import { type Channel, channel } from 'node:diagnostics_channel';
import type { ErrorCode, StoreErrorClass } from './errors.js';
import { processWide } from './process-wide.js';

/** Names a record: the store's name, the record's derived name in that store, and its work. The client's key is in no event. */
export interface EventSubject {
  readonly store: string;
  readonly recordName: string;
  /** What kind of work it is, such as `POST /payments`. Null where the event comes from a call that does not know it, such as `read`. */
  readonly operation: string | null;
}

/** What an event is about that may come before the record is known. */
export interface UnnamedSubject {
  readonly store: string;
  /** Null before the record is known, and for a scan, which reads many. */
  readonly recordName: string | null;
  /** Null where the kind of work is not known. */
  readonly operation: string | null;
}

/** An attempt that has ended. */
export interface EndedAttempt extends EventSubject {
  readonly attempt: number;
  /** How long the attempt took, from the call that acquired its lease, in milliseconds of a monotonic clock. */
  readonly durationMs: number;
}

/**
 * Why nobody knows what happened.
 *
 * - `failed`: the attempt failed, and `onFailure` says that it may have taken effect.
 * - `step_in_doubt`: a step that nobody may repeat began, and its end is not known.
 * - `still_unknown`: the `recover` function could not tell.
 * - `abandoned`: the owner vanished.
 * - `left_unknown`: an attempt of another process ended that way, or one that this process did not observe.
 */
export type UnknownCause = 'failed' | 'step_in_doubt' | 'still_unknown' | 'abandoned' | 'left_unknown';

/**
 * Why the key is free again. `failed`: the attempt failed, or its response is not recorded. `nothing_happened`: it changed nothing.
 * `not_started`: the caller had another response before the work began.
 */
export type ReleaseCause = 'failed' | 'nothing_happened' | 'not_started';

/** How the recording of an outcome in the background ended. */
export type LateRecordingKind = 'recorded' | 'lease_lost' | 'record_lost' | 'given_up';

/** Every event with its members. All times are milliseconds since 1970 on the store's clock, unless a member says otherwise. */
export interface Events {
  /** An attempt begins. `takeover`: the attempt before it was abandoned. */
  acquired: EventSubject & { readonly attempt: number; readonly fencingToken: number; readonly takeover: boolean };
  /**
   * The outcome of an attempt is on record. `kind` says what it is: the response to a request, the result of a function, or an error
   * that counts as its outcome. `status` is that of the response, else null. `bytes` is the size of the recorded outcome; null: only the
   * fact is recorded that the work is done.
   */
  executed: EndedAttempt & {
    readonly kind: 'response' | 'result' | 'error';
    readonly status: number | null;
    readonly bytes: number | null;
  };
  /** An attempt has ended without an outcome, and the key is free: the next caller runs. */
  released: EndedAttempt & { readonly cause: ReleaseCause };
  /**
   * Nobody knows what an attempt did, and nobody runs until somebody decides. Published when an attempt ends so; when a caller is refused
   * because of it; and when `watchDoubts` finds it. Once for each attempt in a process. `durationMs` is null unless the attempt ended in
   * this process now.
   */
  outcome_unknown: EventSubject & {
    readonly attempt: number;
    readonly durationMs: number | null;
    readonly cause: UnknownCause;
  };
  /** A repeat received the recorded outcome. `ageMs`: since its completion. `from` says whether the store was asked. */
  replayed: EventSubject & {
    readonly completedAt: number;
    readonly ageMs: number;
    readonly from: 'store' | 'cache';
  };
  /**
   * A caller has waited for another attempt. `standing` says what it met then: `acquired`, it may run itself; `completed`, it gets the
   * outcome; `in_progress`, its time was over.
   */
  waited: EventSubject & { readonly waitedMs: number; readonly standing: string };
  /**
   * A person (`resolveDoubt`, `removeRecord`) or a `recover` function (`by` is `recover`) has decided about a record. `attempt` is the one
   * that the decision is about.
   */
  decided: EventSubject & {
    readonly attempt: number;
    readonly as: 'done' | 'not_done' | 'removed';
    readonly by: string;
    readonly reason: string;
  };
  /** A caller was refused, with this code. `recordName` is null where the refusal came before any look-up. */
  rejected: UnnamedSubject & { readonly code: ErrorCode };
  /**
   * A request could not be handled, because something is set up wrongly: an option, the order of middleware, a missing body parser.
   * The message of `error` names the cause and the remedy; the client does not see it. `recordName` is null before any look-up.
   */
  misconfigured: UnnamedSubject & { readonly code: ErrorCode; readonly error: Error };
  /** An owner learnt, or has to assume, that its lease is over. The signal of its operation has aborted. */
  lease_lost: EventSubject & { readonly attempt: number; readonly reason: string };
  /** An owner finished after another one had taken over. Its outcome was not recorded. `standing` is what the record says instead. */
  stale_commit: EventSubject & { readonly attempt: number; readonly standing: string };
  /**
   * A step threw, and its function is called again after `delayMs` milliseconds. `tryNumber` is the try that failed, 1 for the first,
   * and `error` is what it threw.
   */
  step_retried: EventSubject & {
    readonly attempt: number;
    readonly step: string;
    readonly tryNumber: number;
    readonly delayMs: number;
    readonly error: unknown;
  };
  /** A call of the store failed; it may be repeated. `recordName` is null for a scan, which reads many records. */
  store_error: UnnamedSubject & {
    readonly verb: string;
    readonly class: StoreErrorClass;
    readonly error: Error;
  };
  /** The store had lost the record (failover, eviction, empty restart). `restored` says whether the record was written again. */
  record_lost: EventSubject & { readonly verb: string; readonly restored: boolean };
  /**
   * Another server than before is the master, or the same server has restarted: writes that it acknowledged last may be missing.
   * `server` is its address; `before` and `after` are the ids of the two runs.
   */
  data_may_be_lost: {
    readonly store: string;
    readonly server: string;
    readonly before: string;
    readonly after: string;
  };
  /**
   * A caller got an outcome that is not on record, and that is marked so. Unless the store had lost the record, the outcome is recorded
   * in the background (`recorded_late`).
   */
  outcome_unrecorded: EventSubject & { readonly attempt: number };
  /** The work is done and recorded, but its outcome is not kept: a repeat gets `expired`. */
  outcome_not_kept: EventSubject & { readonly reason: string };
  /**
   * The recording of an outcome in the background has ended. `kind`:
   *
   * - `recorded`: the outcome is on record; `reason` is null.
   * - `lease_lost`: another owner had taken over. What the record says counts (`stale_commit` has it).
   * - `record_lost`: the store had lost the record, and it was too late to write it again.
   * - `given_up`: the queue was full, or the store did not respond for an hour.
   */
  recorded_late: EventSubject & {
    readonly attempt: number;
    readonly kind: LateRecordingKind;
    readonly reason: string | null;
  };
  /**
   * The transaction of an attempt was rolled back although its operation had not failed: the database refused it, other transactions
   * came between, or it took too long. `code` is `transaction_refused`, `transaction_conflict` or `transaction_timeout`. A conflict is
   * also published when the operation runs again. `error` is what the database or its client reported.
   */
  transaction_failed: EventSubject & { readonly attempt: number; readonly code: ErrorCode; readonly error: unknown };
  /** The operation ran without a record, because the store was unavailable and the options say `bypass`. */
  bypassed: EventSubject & { readonly error: Error };
  /** A response could not be sent, and the connection was ended. */
  send_failed: { readonly store: string; readonly error: Error };
  /** Something that is probably a mistake. It is published once per process and code. `docs/errors.md` lists the codes. */
  warning: { readonly code: string; readonly message: string };
}

export type EventName = keyof Events;

/** The diagnostics channel of an event is `onceguard:` and its name. */
export const eventChannelPrefix = 'onceguard:';

const eventNames = [
  'acquired',
  'executed',
  'released',
  'outcome_unknown',
  'replayed',
  'waited',
  'decided',
  'rejected',
  'misconfigured',
  'lease_lost',
  'stale_commit',
  'step_retried',
  'store_error',
  'record_lost',
  'data_may_be_lost',
  'outcome_unrecorded',
  'outcome_not_kept',
  'recorded_late',
  'transaction_failed',
  'bypassed',
  'send_failed',
  'warning',
] as const satisfies readonly EventName[];

const channels = new Map<EventName, Channel>(eventNames.map((name) => [name, channel(eventChannelPrefix + name)]));

/** Publishes an event. `event` is called only if somebody listens, so an event without a listener computes nothing. */
export function publish<Name extends EventName>(name: Name, event: () => Events[Name]): void {
  const target = channels.get(name);
  if (target?.hasSubscribers) target.publish(event());
}

/** Whether anybody listens to this event: for work that only an event needs. */
export function hasListeners(name: EventName): boolean {
  return channels.get(name)?.hasSubscribers ?? false;
}

/**
 * Calls `listener` for every event of this name, whatever copy of this package publishes it. Returns a function that stops that.
 * What a listener throws does not reach the work that the event is about: Node raises it as an uncaught exception.
 *
 * @example
 * const stop = onEvent('lease_lost', ({ recordName, reason }) => log.warn({ recordName, reason }));
 */
export function onEvent<Name extends EventName>(name: Name, listener: (event: Events[Name]) => void): () => void {
  const onMessage = (message: unknown): void => listener(message as Events[Name]);
  const target = channel(eventChannelPrefix + name);
  target.subscribe(onMessage);
  return () => void target.unsubscribe(onMessage);
}

/**
 * Warns by the event `warning` and by `process.emitWarning`: once per process and code, whatever copy of this package it is. With a
 * `detail`, such as an error with its stack, once for each of the first hundred messages instead.
 */
export function warnOnce(code: string, message: string, detail?: string): void {
  const warned = processWide('warnings/1', () => new Set<string>());
  const subject = detail === undefined ? code : `${code} ${message}`;
  if (warned.has(subject) || (detail !== undefined && warned.size >= maxWarnings)) return;
  warned.add(subject);
  publish('warning', () => ({ code, message }));
  process.emitWarning(message, { type: 'OnceguardWarning', code, ...(detail === undefined ? {} : { detail }) });
}

const maxWarnings = 100;
