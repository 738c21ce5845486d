// Invariant: every repeat after an outcome was recorded gets that outcome, byte for byte, and nothing else.
import type { ExecuteReturned, KeyEvent, StoreReplied } from '../history.js';
import {
  dataPeriodAt,
  groupBy,
  inSameDataPeriod,
  isAcceptedReply,
  type KeyHistory,
  type Violation,
  violationOf,
} from '../key-history.js';

export function replays(history: KeyHistory): Violation | null {
  return differentBytes(history) ?? differentValues(history) ?? otherThanRecorded(history);
}

/** At the store: all bytes that it recorded or returned in one data period are the same. */
function differentBytes(history: KeyHistory): Violation | null {
  const replies = history.events.filter(
    (event): event is StoreReplied => event.kind === 'store_reply' && event.digest !== undefined,
  );
  return firstDifference(history, replies);
}

/** At the callers: all recorded values are the same. */
function differentValues(history: KeyHistory): Violation | null {
  const values = history.events.filter(
    (event): event is ExecuteReturned =>
      event.kind === 'returned' &&
      (event.outcome === 'replayed' || (event.outcome === 'executed' && event.recorded === true)),
  );
  return firstDifference(history, values);
}

function firstDifference(history: KeyHistory, events: readonly (StoreReplied | ExecuteReturned)[]): Violation | null {
  for (const period of groupBy(events, ({ now }) => `${dataPeriodAt(history, now).from}`).values()) {
    const [first] = period;
    const other = period.find(({ digest }) => digest !== first?.digest);
    if (other === undefined) continue;
    const why = `the recorded outcome was ${first?.digest}, and later ${other.digest}`;
    return violationOf('replays', history.key, why, [first, other]);
  }
  return null;
}

/** A repeat after an outcome was recorded gets it. No run is long enough for the outcome to expire. */
function otherThanRecorded(history: KeyHistory): Violation | null {
  for (const recorded of history.events.filter(isRecordingReply)) {
    const expected = new Set([recorded.digest === null ? 'expired' : 'completed', 'key_reused', 'superseded']);
    const other = history.events.find(
      (event): event is StoreReplied =>
        event.kind === 'store_reply' &&
        event.verb === 'acquire' &&
        event.now > recorded.now &&
        inSameDataPeriod(history, recorded, event) &&
        !expected.has(event.reply),
    );
    if (other === undefined) continue;
    const why = `an outcome was recorded, and a later repeat got ${other.reply}`;
    return violationOf('replays', history.key, why, [recorded, other]);
  }
  return null;
}

/** A reply that confirms a recorded outcome, of the owner's complete or of a decision. */
function isRecordingReply(event: KeyEvent): event is StoreReplied {
  const mayRecord = event.kind === 'store_reply' && (event.verb === 'complete' || event.verb === 'resolve');
  return mayRecord && isAcceptedReply(event.reply) && event.digest !== undefined;
}
