// The checker: what every history of a run must hold, and the shortest history that shows where it does not.
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

/** All violations in the histories of one run: at most one per key and invariant. */
export function check(events: readonly HistoryEvent[]): Violation[] {
  return findViolations(events).map(minimized);
}

function findViolations(events: readonly HistoryEvent[]): Violation[] {
  const run = events.filter((event): event is RunEvent => !('key' in event));
  const stories = keyHistoriesOf(events, run);
  return [
    ...stories.flatMap((story) => keyInvariants.flatMap((invariant) => invariant(story) ?? [])),
    ...runInvariants.flatMap((invariant) => invariant(run)),
  ];
}

/** Leaves out every event without which the rest shows the same. */
function minimized(violation: Violation): Violation {
  const shows = (history: readonly HistoryEvent[]) =>
    findViolations(history).some(({ invariant, why }) => invariant === violation.invariant && why === violation.why);
  let { history } = violation;
  for (const event of violation.history) {
    const shorter = history.filter((kept) => kept !== event);
    if (shows(shorter)) history = shorter;
  }
  return { ...violation, history };
}

function keyHistoriesOf(events: readonly HistoryEvent[], run: readonly RunEvent[]): KeyHistory[] {
  const endedProcesses = run.flatMap((event) => (event.kind === 'process' && event.what === 'ended' ? [event] : []));
  const dataLosses = run
    .flatMap((event) => (event.kind === 'life' ? [event.at] : []))
    .sort((one, other) => one - other);
  const ofKeys = groupBy(
    events.filter((event): event is KeyEvent => 'key' in event),
    ({ key }) => key,
  );
  return [...ofKeys].map(([key, own]) => ({ key, events: own.sort(byTime), dataLosses, endedProcesses }));
}
