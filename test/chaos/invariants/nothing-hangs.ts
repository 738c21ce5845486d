// Every call is over by its deadline and a tenth, and at the end every key has an answer.
import type { KeyEvent } from '../history.js';
import { type KeyHistory, type Violation, violationOf } from '../key-history.js';

export function nothingHangs(story: KeyHistory): Violation | null {
  return overdueCall(story) ?? unfinishedCall(story) ?? unansweredLastRepeat(story);
}

function overdueCall(story: KeyHistory): Violation | null {
  const found = story.events.find((event) => event.kind === 'late');
  if (found === undefined) return null;
  const why = `${found.what} was not over by its deadline of ${found.deadlineMs} ms and a tenth`;
  return violationOf('nothing hangs', story.key, why, [found]);
}

/** Begun by a process that ended as it should, and never over. */
function unfinishedCall(story: KeyHistory): Violation | null {
  const over = new Set(story.events.filter(isEnd).map(callNameOf));
  for (const process of story.endedProcesses) {
    const open = story.events.find(
      (event) => event.by === process.name && isBeginning(event) && !over.has(callNameOf(event)),
    );
    if (open === undefined) continue;
    return violationOf('nothing hangs', story.key, `a call of ${open.by} was never over`, [open, process]);
  }
  return null;
}

/** Of the last repeats, after all faults are healed and all leases over. */
function unansweredLastRepeat(story: KeyHistory): Violation | null {
  const last = new Set(
    story.events.flatMap((event) => (event.kind === 'called' && event.isLastRepeat ? [event.call] : [])),
  );
  const answered = new Set(['executed', 'replayed', 'outcome_unknown', 'expired', 'threw']);
  const found = story.events.find(
    (event) => event.kind === 'returned' && last.has(event.call) && !answered.has(event.outcome),
  );
  if (found === undefined) return null;
  const called = story.events.find((event) => event.kind === 'called' && event.call === found.call);
  return violationOf('nothing hangs', story.key, 'a last repeat was not answered', [called, found]);
}

function isBeginning({ kind }: KeyEvent): boolean {
  return kind === 'called' || kind === 'asked';
}

function isEnd({ kind }: KeyEvent): boolean {
  return kind === 'returned' || kind === 'told' || kind === 'failed';
}

/** What the beginning and the end of a call have in common. */
function callNameOf(event: KeyEvent): string {
  const storeCallId = 'storeCallId' in event ? event.storeCallId : null;
  return `${event.by} ${storeCallId ?? event.call}`;
}
