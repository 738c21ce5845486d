// What was recorded is what every later repeat is answered, byte for byte, and nothing else is answered any more.
import type { KeyEvent, Returned, Told } from '../history.js';
import { broken, groupedBy, inOneLife, isAccepted, lifeAt, type Story, type Violation } from '../story.js';

export function replays(story: Story): Violation | null {
  return sameBytes(story) ?? sameValues(story) ?? nothingElse(story);
}

/** At the store: all bytes that were recorded or told in one life of it are the same. */
function sameBytes(story: Story): Violation | null {
  const tellings = story.events.filter((event): event is Told => event.kind === 'told' && event.digest !== undefined);
  return firstDifference(story, tellings);
}

/** At the callers: all values from the record are the same. */
function sameValues(story: Story): Violation | null {
  const values = story.events.filter(
    (event): event is Returned =>
      event.kind === 'returned' &&
      (event.answer === 'replayed' || (event.answer === 'executed' && event.recorded === true)),
  );
  return firstDifference(story, values);
}

function firstDifference(story: Story, tellings: readonly (Told | Returned)[]): Violation | null {
  for (const inLife of groupedBy(tellings, ({ now }) => `${lifeAt(story, now).from}`).values()) {
    const [first] = inLife;
    const other = inLife.find(({ digest }) => digest !== first?.digest);
    if (other === undefined) continue;
    const why = `the recorded outcome was ${first?.digest}, and later ${other.digest}`;
    return broken('replays', story.key, why, [first, other]);
  }
  return null;
}

/** Who asks after an outcome was recorded gets it. No run is so long that it may be forgotten. */
function nothingElse(story: Story): Violation | null {
  for (const recorded of story.events.filter(isRecording)) {
    const expected = new Set([recorded.digest === null ? 'expired' : 'completed', 'mismatch', 'superseded']);
    const other = story.events.find(
      (event): event is Told =>
        event.kind === 'told' &&
        event.verb === 'acquire' &&
        event.now > recorded.now &&
        inOneLife(story, recorded, event) &&
        !expected.has(event.answer),
    );
    if (other === undefined) continue;
    const why = `an outcome was on record, and a repeat was answered ${other.answer}`;
    return broken('replays', story.key, why, [recorded, other]);
  }
  return null;
}

/** By the owner, or by a decision. */
function isRecording(event: KeyEvent): event is Told {
  const records = event.kind === 'told' && (event.verb === 'complete' || event.verb === 'resolve');
  return records && isAccepted(event.answer) && event.digest !== undefined;
}
