// What happened, for whoever listens: one diagnostics channel per event. Without a listener an event costs one test.
import { type Channel, channel } from 'node:diagnostics_channel';
import type { ErrorCode, StoreErrorClass } from './errors.js';
import { processWide } from './process-wide.js';

/** Names a record in events: the store, and the derived name under it. Never the client's key. */
export interface EventSubject {
  readonly store: string;
  readonly recordName: string;
}

export interface Events {
  /** An attempt begins. `takeover`: the one before was abandoned. */
  acquired: EventSubject & { readonly attempt: number; readonly fencingToken: number; readonly takeover: boolean };
  /** A repeat was answered from the record. */
  replayed: EventSubject & { readonly completedAt: number };
  /** A caller was refused, with this code. `recordName` is null where the refusal came before any look-up. */
  rejected: { readonly store: string; readonly recordName: string | null; readonly code: ErrorCode };
  /**
   * A request could not be handled, because something is set up wrongly: an option, the order of middleware, a missing body parser.
   * The message of `error` names the cause and the remedy, which the client does not see. `recordName` is null before any look-up.
   */
  misconfigured: {
    readonly store: string;
    readonly recordName: string | null;
    readonly code: ErrorCode;
    readonly error: Error;
  };
  /** An owner learnt, or has to assume, that its lease is over; the operation's signal has been aborted. */
  lease_lost: EventSubject & { readonly attempt: number; readonly reason: string };
  /** An owner finished after somebody else had taken over; what it did was not recorded. */
  stale_commit: EventSubject & { readonly attempt: number; readonly standing: string };
  /** A call of the store failed; it may be repeated. */
  store_error: EventSubject & { readonly verb: string; readonly class: StoreErrorClass; readonly error: Error };
  /** The store had lost the record (failover, eviction, empty restart); `restored` says whether it was written anew. */
  record_lost: EventSubject & { readonly verb: string; readonly restored: boolean };
  /**
   * Another server than before is the master, or the same one has started anew: it may not have what was acknowledged
   * last. `server` is its address; `before` and `after` are the ids of the two runs.
   */
  data_may_be_lost: {
    readonly store: string;
    readonly server: string;
    readonly before: string;
    readonly after: string;
  };
  /** A caller got a result that is not on record, marked so. Unless the store had lost the record, it follows in the background. */
  outcome_unrecorded: EventSubject & { readonly attempt: number };
  /** The work is done and recorded, but its result is not kept: a repeat is told so. */
  outcome_not_kept: EventSubject & { readonly reason: string };
  /** A result of the background: recorded at last, or given up. */
  recorded_late: EventSubject & { readonly attempt: number; readonly kind: string };
  /** The operation was run without a record, because the store was unavailable and the options say `bypass`. */
  bypassed: EventSubject & { readonly error: Error };
  /** An answer could not be sent; the connection was ended. */
  send_failed: { readonly store: string; readonly error: Error };
  /** Something that is probably not meant; said once per process and code. See `docs/errors.md`. */
  warning: { readonly code: string; readonly message: string };
}

export type EventName = keyof Events;

/** The diagnostics channel of an event is `onceguard:` and its name. */
export const eventChannelPrefix = 'onceguard:';

const eventNames = [
  'acquired',
  'replayed',
  'rejected',
  'misconfigured',
  'lease_lost',
  'stale_commit',
  'store_error',
  'record_lost',
  'data_may_be_lost',
  'outcome_unrecorded',
  'outcome_not_kept',
  'recorded_late',
  'bypassed',
  'send_failed',
  'warning',
] as const satisfies readonly EventName[];

const channels = new Map<EventName, Channel>(eventNames.map((name) => [name, channel(eventChannelPrefix + name)]));

/** The channels compute nothing unless somebody listens: `event` is called only then. */
export function publish<Name extends EventName>(name: Name, event: () => Events[Name]): void {
  const target = channels.get(name);
  if (target?.hasSubscribers) target.publish(event());
}

/**
 * Listens to one event; the answer stops it. What a listener throws does not reach the work that the event tells of, but it
 * ends the process like any uncaught exception.
 */
export function onEvent<Name extends EventName>(name: Name, listener: (event: Events[Name]) => void): () => void {
  const onMessage = (message: unknown): void => listener(message as Events[Name]);
  const target = channel(eventChannelPrefix + name);
  target.subscribe(onMessage);
  return () => void target.unsubscribe(onMessage);
}

/** Warns once per process and code, whatever copy of this package it is, through the event and through `process.emitWarning`. */
export function warnOnce(code: string, message: string): void {
  const warned = processWide('warnings/1', () => new Set<string>());
  if (warned.has(code)) return;
  warned.add(code);
  publish('warning', () => ({ code, message }));
  process.emitWarning(message, { type: 'OnceguardWarning', code });
}
