// Fencing tokens strictly grow per key, also over a loss of data. Nothing in a run moves the server's clock.
import { grantReplies, type KeyHistory, type Violation, violationOf } from '../key-history.js';

export function fencingTokens(story: KeyHistory): Violation | null {
  const all = grantReplies(story);
  for (const [index, one] of all.entries()) {
    const other = all.slice(index + 1).find((later) => later.fencingToken <= one.fencingToken && isLater(one, later));
    if (other === undefined) continue;
    const why = `the key was granted with fencing token ${one.fencingToken}, and later with ${other.fencingToken}`;
    return violationOf('fencing tokens', story.key, why, [one, other]);
  }
  return null;
}

/** Of two grants within one millisecond nobody knows which came first, but their tokens differ. */
function isLater(one: { now: number; fencingToken: number }, other: { now: number; fencingToken: number }): boolean {
  return other.now > one.now || other.fencingToken === one.fencingToken;
}
