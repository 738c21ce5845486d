// Every call is over by its deadline and a tenth, and at the end every key has an answer.
import type { KeyEvent } from '../history.js';
import { broken, type Story, type Violation } from '../story.js';

export function nothingHangs(story: Story): Violation | null {
  return late(story) ?? leftOpen(story) ?? withoutAnswer(story);
}

function late(story: Story): Violation | null {
  const found = story.events.find((event) => event.kind === 'late');
  if (found === undefined) return null;
  const why = `${found.what} was not over by its deadline of ${found.deadlineMs} ms and a tenth`;
  return broken('nothing hangs', story.key, why, [found]);
}

/** Begun by a process that ended as it should, and never over. */
function leftOpen(story: Story): Violation | null {
  const over = new Set(story.events.filter(ends).map(nameOf));
  for (const process of story.ended) {
    const open = story.events.find((event) => event.by === process.name && begins(event) && !over.has(nameOf(event)));
    if (open === undefined) continue;
    return broken('nothing hangs', story.key, `a call of ${open.by} was never over`, [open, process]);
  }
  return null;
}

/** Of the last repeats, after all faults are healed and all leases over. */
function withoutAnswer(story: Story): Violation | null {
  const last = new Set(story.events.flatMap((event) => (event.kind === 'called' && event.last ? [event.call] : [])));
  const answered = new Set(['executed', 'replayed', 'unknown', 'expired', 'threw']);
  const found = story.events.find(
    (event) => event.kind === 'returned' && last.has(event.call) && !answered.has(event.answer),
  );
  if (found === undefined) return null;
  const called = story.events.find((event) => event.kind === 'called' && event.call === found.call);
  return broken('nothing hangs', story.key, 'a last repeat was not answered', [called, found]);
}

function begins({ kind }: KeyEvent): boolean {
  return kind === 'called' || kind === 'asked';
}

function ends({ kind }: KeyEvent): boolean {
  return kind === 'returned' || kind === 'told' || kind === 'failed';
}

/** What the beginning and the end of a call have in common. */
function nameOf(event: KeyEvent): string {
  const ask = 'ask' in event ? event.ask : null;
  return `${event.by} ${ask ?? event.call}`;
}
