// What a run is told of in words: its counts, and each violation with the history that shows it.
import type { HistoryEvent, StoreReplied } from './history.js';
import { timeOf, type Violation } from './key-history.js';

/** Lines of counts, of everything that happened. */
export function summaryOf(events: readonly HistoryEvent[]): string[] {
  const lines: (readonly [string, (event: HistoryEvent) => string | undefined])[] = [
    ['calls', (event) => (event.kind === 'returned' ? event.outcome : undefined)],
    ['executions', (event) => (event.kind === 'finished' ? (event.threw ? 'threw' : 'returned') : undefined)],
    ['asked of the store', (event) => (event.kind === 'asked' ? event.verb : undefined)],
    ['not answered', (event) => (event.kind === 'failed' ? event.class : undefined)],
    ['told to owners', (event) => (isReplyToOwner(event) ? `${event.verb} ${event.reply}` : undefined)],
    ['faults', (event) => (event.kind === 'injected' ? event.fault : undefined)],
    ['owners', (event) => (event.kind === 'process' ? event.what : undefined)],
    ['reported', (event) => (event.kind === 'reported' ? event.event : undefined)],
    ['records at the end', (event) => (event.kind === 'scanned' ? 'keys' : undefined)],
  ];
  const counts = lines.map(([title, kindOf]) => `${title}: ${countsOf(events, kindOf)}`);
  return [...counts, lossesOf(events)];
}

function isReplyToOwner(event: HistoryEvent): event is StoreReplied {
  return event.kind === 'told' && (event.verb === 'renew' || event.verb === 'complete' || event.verb === 'release');
}

function countsOf(events: readonly HistoryEvent[], kindOf: (event: HistoryEvent) => string | undefined): string {
  const counts = new Map<string, number>();
  for (const event of events) {
    const kind = kindOf(event);
    if (kind !== undefined) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const sum = [...counts.values()].reduce((total, count) => total + count, 0);
  const parts = [...counts].sort(([, one], [, other]) => other - one).map(([kind, count]) => `${kind} ${count}`);
  return `${sum}${parts.length > 1 ? ` (${parts.join(', ')})` : ''}`;
}

/** A loss counts as reported if some process told of one before the next. */
function lossesOf(events: readonly HistoryEvent[]): string {
  const timesOf = (kind: HistoryEvent['kind']) =>
    events
      .filter((event) => event.kind === kind)
      .map(({ at }) => at)
      .sort((one, other) => one - other);
  const losses = timesOf('life');
  const reports = timesOf('reported');
  const told = losses.filter((lostAt, index) => {
    const next = losses[index + 1] ?? Number.POSITIVE_INFINITY;
    return reports.some((at) => lostAt <= at && at < next);
  });
  return `losses of data: ${losses.length}, of which ${told.length} were reported`;
}

/** A violation, with its history in order of time; times count from its first event. */
export function linesOf({ invariant, key, why, history }: Violation): string[] {
  const [first] = history;
  const beganAt = first === undefined ? 0 : timeOf(first);
  const of = key === null ? '' : ` of ${key}`;
  const lines = history.map((event) => {
    const { kind, by, at: _at, ...facts } = event;
    const shown = Object.entries(facts).filter(([name]) => name !== 'key' && name !== 'storeCallId');
    const said = shown.map(([name, value]) => `${name} ${value}`).join(', ');
    return `  ${String(timeOf(event) - beganAt).padStart(7)} ms  ${by.padEnd(6)} ${kind}: ${said}`;
  });
  return [`✗ ${invariant}${of}: ${why}`, ...lines].map(withShortNumbers);
}

/** Times, fencing tokens and owner tokens differ in their last digits. */
function withShortNumbers(text: string): string {
  return text.replace(/\b\d{7}(\d{6})\b/g, '…$1').replace(/\b[\da-f-]{30}([\da-f]{6})\b/g, '…$1');
}
