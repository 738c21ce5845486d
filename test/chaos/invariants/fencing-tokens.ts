// Fencing tokens strictly grow per key, also over a loss of data. Nothing in a run moves the server's clock.
import { broken, grants, type Story, type Violation } from '../story.js';

export function fencingTokens(story: Story): Violation | null {
  const all = grants(story);
  for (const [index, one] of all.entries()) {
    const other = all.slice(index + 1).find((later) => later.fence <= one.fence && isLater(one, later));
    if (other === undefined) continue;
    const why = `the key was granted with fencing token ${one.fence}, and later with ${other.fence}`;
    return broken('fencing tokens', story.key, why, [one, other]);
  }
  return null;
}

/** Of two grants within one millisecond nobody knows which came first, but their tokens differ. */
function isLater(one: { now: number; fence: number }, other: { now: number; fence: number }): boolean {
  return other.now > one.now || other.fence === one.fence;
}
