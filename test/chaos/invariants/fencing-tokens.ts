// Invariant: fencing tokens of a key strictly grow, also over a loss of data. Nothing in a run moves the server's clock.
import { grantReplies, type KeyHistory, type Violation, violationOf } from '../key-history.js';

export function fencingTokens(history: KeyHistory): Violation | null {
  const all = grantReplies(history);
  for (const [index, earlier] of all.entries()) {
    const later = all
      .slice(index + 1)
      .find((grant) => grant.fencingToken <= earlier.fencingToken && isLater(earlier, grant));
    if (later === undefined) continue;
    const why = `the key was granted with fencing token ${earlier.fencingToken}, and later with ${later.fencingToken}`;
    return violationOf('fencing tokens', history.key, why, [earlier, later]);
  }
  return null;
}

/** The order of two grants within one millisecond is not known, but their tokens must differ. */
function isLater(
  earlier: { now: number; fencingToken: number },
  grant: { now: number; fencingToken: number },
): boolean {
  return grant.now > earlier.now || grant.fencingToken === earlier.fencingToken;
}
