// Invariant: every call ends by its deadline plus a tenth, and at the end every key has an outcome.
import type { KeyEvent } from '../history.js';
import { type KeyHistory, type Violation, violationOf } from '../key-history.js';

export function nothingHangs(history: KeyHistory): Violation | null {
  return overdueCall(history) ?? unfinishedCall(history) ?? unansweredLastRepeat(history);
}

function overdueCall(history: KeyHistory): Violation | null {
  const overdue = history.events.find((event) => event.kind === 'overdue');
  if (overdue === undefined) return null;
  const why = `${overdue.what} had not ended by its deadline of ${overdue.deadlineMs} ms plus a tenth`;
  return violationOf('nothing hangs', history.key, why, [overdue]);
}

/** A call that never ended, of a process that ended as planned. */
function unfinishedCall(history: KeyHistory): Violation | null {
  const ended = new Set(history.events.filter(isEnd).map(callNameOf));
  for (const process of history.endedProcesses) {
    const open = history.events.find(
      (event) => event.by === process.name && isBeginning(event) && !ended.has(callNameOf(event)),
    );
    if (open === undefined) continue;
    return violationOf('nothing hangs', history.key, `a call of ${open.by} never ended`, [open, process]);
  }
  return null;
}

/** A last repeat without an outcome, although all faults are healed and all leases have ended. */
function unansweredLastRepeat(history: KeyHistory): Violation | null {
  const last = new Set(
    history.events.flatMap((event) => (event.kind === 'called' && event.isLastRepeat ? [event.call] : [])),
  );
  const finalOutcomes = new Set(['executed', 'replayed', 'outcome_unknown', 'expired', 'threw']);
  const found = history.events.find(
    (event) => event.kind === 'returned' && last.has(event.call) && !finalOutcomes.has(event.outcome),
  );
  if (found === undefined) return null;
  const called = history.events.find((event) => event.kind === 'called' && event.call === found.call);
  return violationOf('nothing hangs', history.key, 'a last repeat got no outcome', [called, found]);
}

function isBeginning({ kind }: KeyEvent): boolean {
  return kind === 'called' || kind === 'store_call';
}

function isEnd({ kind }: KeyEvent): boolean {
  return kind === 'returned' || kind === 'store_reply' || kind === 'store_call_failed';
}

/** A name that the beginning and the end of a call have in common. */
function callNameOf(event: KeyEvent): string {
  const storeCallId = 'storeCallId' in event ? event.storeCallId : null;
  return `${event.by} ${storeCallId ?? event.call}`;
}
