// The checker: tests the histories of a run against all invariants, and reduces each violation to a minimal history.
import type { HistoryEvent, KeyEvent, RunEvent } from './history.js';
import { executions } from './invariants/executions.js';
import { fencingTokens } from './invariants/fencing-tokens.js';
import { guardedWork } from './invariants/guarded-work.js';
import { nothingHangs } from './invariants/nothing-hangs.js';
import { oneLease } from './invariants/one-lease.js';
import { replays } from './invariants/replays.js';
import { staleOwner } from './invariants/stale-owner.js';
import { everyRecordEnds, noUnhandledRejection } from './invariants/whole-run.js';
import { byTime, groupBy, type Invariant, type KeyHistory, type Violation } from './key-history.js';

const keyInvariants: readonly Invariant[] = [
  oneLease,
  replays,
  staleOwner,
  fencingTokens,
  executions,
  guardedWork,
  nothingHangs,
];

const runInvariants = [noUnhandledRejection, everyRecordEnds];

/** All violations in the histories of one run, at most one per key and invariant. */
export function check(events: readonly HistoryEvent[]): Violation[] {
  return findViolations(events).map(minimized);
}

function findViolations(events: readonly HistoryEvent[]): Violation[] {
  const run = events.filter((event): event is RunEvent => !('key' in event));
  const histories = keyHistoriesOf(events, run);
  return [
    ...histories.flatMap((history) => keyInvariants.flatMap((invariant) => invariant(history) ?? [])),
    ...runInvariants.flatMap((invariant) => invariant(run)),
  ];
}

/** Removes every event that the violation does not need. */
function minimized(violation: Violation): Violation {
  const showsViolation = (history: readonly HistoryEvent[]) =>
    findViolations(history).some(({ invariant, why }) => invariant === violation.invariant && why === violation.why);
  let { history } = violation;
  for (const event of violation.history) {
    const shorter = history.filter((other) => other !== event);
    if (showsViolation(shorter)) history = shorter;
  }
  return { ...violation, history };
}

function keyHistoriesOf(events: readonly HistoryEvent[], run: readonly RunEvent[]): KeyHistory[] {
  const endedProcesses = run.flatMap((event) => (event.kind === 'process' && event.what === 'ended' ? [event] : []));
  const dataLosses = run
    .flatMap((event) => (event.kind === 'data_lost' ? [event.at] : []))
    .sort((left, right) => left - right);
  const eventsByKey = groupBy(
    events.filter((event): event is KeyEvent => 'key' in event),
    ({ key }) => key,
  );
  return [...eventsByKey].map(([key, keyEvents]) => ({
    key,
    events: keyEvents.sort(byTime),
    dataLosses,
    endedProcesses,
  }));
}
