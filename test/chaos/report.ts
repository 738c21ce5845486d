// The printed report of a run: counts of events, and each violation with the history that shows it.
import type { HistoryEvent, StoreReplied } from './history.js';
import { timeOf, type Violation } from './key-history.js';

/** Counts of all kinds of events, one line each. */
export function summaryOf(events: readonly HistoryEvent[]): string[] {
  const lines: (readonly [string, (event: HistoryEvent) => string | undefined])[] = [
    ['calls', (event) => (event.kind === 'returned' ? event.outcome : undefined)],
    ['executions', (event) => (event.kind === 'finished' ? (event.threw ? 'threw' : 'returned') : undefined)],
    ['store calls', (event) => (event.kind === 'store_call' ? event.verb : undefined)],
    ['failed store calls', (event) => (event.kind === 'store_call_failed' ? event.class : undefined)],
    ['replies to owners', (event) => (isReplyToOwner(event) ? `${event.verb} ${event.reply}` : undefined)],
    ['faults', (event) => (event.kind === 'injected' ? event.fault : undefined)],
    ['owners', (event) => (event.kind === 'process' ? event.what : undefined)],
    ['reported', (event) => (event.kind === 'reported' ? event.event : undefined)],
    ['records at the end', (event) => (event.kind === 'key_found' ? 'keys' : undefined)],
  ];
  const counts = lines.map(([title, kindOf]) => `${title}: ${countsOf(events, kindOf)}`);
  return [...counts, lossesOf(events)];
}

function isReplyToOwner(event: HistoryEvent): event is StoreReplied {
  return (
    event.kind === 'store_reply' && (event.verb === 'renew' || event.verb === 'complete' || event.verb === 'release')
  );
}

function countsOf(events: readonly HistoryEvent[], kindOf: (event: HistoryEvent) => string | undefined): string {
  const counts = new Map<string, number>();
  for (const event of events) {
    const kind = kindOf(event);
    if (kind !== undefined) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const sum = [...counts.values()].reduce((total, count) => total + count, 0);
  const parts = [...counts].sort(([, left], [, right]) => right - left).map(([kind, count]) => `${kind} ${count}`);
  return `${sum}${parts.length > 1 ? ` (${parts.join(', ')})` : ''}`;
}

/** A loss counts as reported if some process reported one before the next loss. */
function lossesOf(events: readonly HistoryEvent[]): string {
  const timesOf = (kind: HistoryEvent['kind']) =>
    events
      .filter((event) => event.kind === kind)
      .map(({ at }) => at)
      .sort((left, right) => left - right);
  const losses = timesOf('data_lost');
  const reports = timesOf('reported');
  const reported = losses.filter((lostAt, index) => {
    const next = losses[index + 1] ?? Number.POSITIVE_INFINITY;
    return reports.some((at) => lostAt <= at && at < next);
  });
  return `losses of data: ${losses.length}, of which ${reported.length} were reported`;
}

/** A violation and its history, ordered by time. Times count from its first event. */
export function linesOf({ invariant, key, why, history }: Violation): string[] {
  const [first] = history;
  const startsAt = first === undefined ? 0 : timeOf(first);
  const of = key === null ? '' : ` of ${key}`;
  const lines = history.map((event) => {
    const { kind, by, at: _at, ...facts } = event;
    const shown = Object.entries(facts).filter(([name]) => name !== 'key' && name !== 'storeCallId');
    const text = shown.map(([name, value]) => `${name} ${value}`).join(', ');
    return `  ${String(timeOf(event) - startsAt).padStart(7)} ms  ${by.padEnd(6)} ${kind}: ${text}`;
  });
  return [`✗ ${invariant}${of}: ${why}`, ...lines].map(withShortNumbers);
}

/** Shortens times, fencing tokens and owner tokens to their last digits, in which they differ. */
function withShortNumbers(text: string): string {
  return text.replace(/\b\d{7}(\d{6})\b/g, '…$1').replace(/\b[\da-f-]{30}([\da-f]{6})\b/g, '…$1');
}
