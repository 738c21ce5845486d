// What was recorded is what every later repeat is answered, byte for byte, and nothing else is answered any more.
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

export function replays(story: KeyHistory): Violation | null {
  return differentBytes(story) ?? differentValues(story) ?? otherThanRecorded(story);
}

/** At the store: all bytes that were recorded or told in one life of it are the same. */
function differentBytes(story: KeyHistory): Violation | null {
  const tellings = story.events.filter(
    (event): event is StoreReplied => event.kind === 'told' && event.digest !== undefined,
  );
  return firstDifference(story, tellings);
}

/** At the callers: all values from the record are the same. */
function differentValues(story: KeyHistory): Violation | null {
  const values = story.events.filter(
    (event): event is ExecuteReturned =>
      event.kind === 'returned' &&
      (event.outcome === 'replayed' || (event.outcome === 'executed' && event.recorded === true)),
  );
  return firstDifference(story, values);
}

function firstDifference(story: KeyHistory, tellings: readonly (StoreReplied | ExecuteReturned)[]): Violation | null {
  for (const inLife of groupBy(tellings, ({ now }) => `${dataPeriodAt(story, now).from}`).values()) {
    const [first] = inLife;
    const other = inLife.find(({ digest }) => digest !== first?.digest);
    if (other === undefined) continue;
    const why = `the recorded outcome was ${first?.digest}, and later ${other.digest}`;
    return violationOf('replays', story.key, why, [first, other]);
  }
  return null;
}

/** Who asks after an outcome was recorded gets it. No run is so long that it may be forgotten. */
function otherThanRecorded(story: KeyHistory): Violation | null {
  for (const recorded of story.events.filter(isRecordingReply)) {
    const expected = new Set([recorded.digest === null ? 'expired' : 'completed', 'key_reused', 'superseded']);
    const other = story.events.find(
      (event): event is StoreReplied =>
        event.kind === 'told' &&
        event.verb === 'acquire' &&
        event.now > recorded.now &&
        inSameDataPeriod(story, recorded, event) &&
        !expected.has(event.reply),
    );
    if (other === undefined) continue;
    const why = `an outcome was on record, and a repeat was answered ${other.reply}`;
    return violationOf('replays', story.key, why, [recorded, other]);
  }
  return null;
}

/** By the owner, or by a decision. */
function isRecordingReply(event: KeyEvent): event is StoreReplied {
  const records = event.kind === 'told' && (event.verb === 'complete' || event.verb === 'resolve');
  return records && isAcceptedReply(event.reply) && event.digest !== undefined;
}
