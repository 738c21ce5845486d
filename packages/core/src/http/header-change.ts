// What the handler did to the response's headers. A replay applies it to the headers that outer middleware has set for the current request.
import { groupByName, type HeaderEntry, linesOf } from './headers.js';
import type { HeaderNamePredicate } from './omitted-headers.js';

export interface HeaderChange {
  /** Headers that were added or changed, with their whole value. For `Vary`, only the members that were added. */
  readonly set: readonly HeaderEntry[];
  /** Names of headers that were removed, in lower case. */
  readonly removed: readonly string[];
}

/**
 * The difference between two heads: `baseline` is what outer middleware had set when the handler was entered, `final` is what the
 * response had when it ended. A header that was set again to the value that it had is no change: a replay takes it from the current
 * response.
 */
export function diffHeaders(
  baseline: readonly HeaderEntry[],
  final: readonly HeaderEntry[],
  isOmitted: HeaderNamePredicate,
): HeaderChange {
  const before = groupByName(baseline);
  const after = groupByName(final);
  const set: HeaderEntry[] = [];
  for (const [name, entry] of after) {
    if (isOmitted(name)) continue;
    const added = name === 'vary' ? diffVary(before.get(name), entry) : entry;
    if (added !== null && !hasSameLines(before.get(name), added)) set.push(added);
  }
  const removed = [...before.keys()].filter((name) => !after.has(name) && name !== 'vary' && !isOmitted(name));
  return { set, removed };
}

/** The inverse of `diffHeaders`: applies the change to the headers that outer middleware has set on the current response. */
export function applyHeaderChange(current: readonly HeaderEntry[], change: HeaderChange): HeaderEntry[] {
  const headers = groupByName(current);
  for (const name of change.removed) headers.delete(name);
  for (const [name, entry] of groupByName(change.set)) {
    const existing = headers.get(name);
    headers.set(name, name === 'vary' && existing !== undefined ? mergeVary(existing, entry) : entry);
  }
  return [...headers.values()];
}

function hasSameLines(a: HeaderEntry | undefined, b: HeaderEntry): boolean {
  if (a === undefined) return false;
  if (typeof a[1] === 'string' && typeof b[1] === 'string') return a[1] === b[1];
  const [aLines, bLines] = [linesOf(a), linesOf(b)];
  return aLines.length === bLines.length && aLines.every((line, index) => line === bLines[index]);
}

/** Every middleware adds to `Vary` what it looks at, so members are only ever added. */
function diffVary(before: HeaderEntry | undefined, after: HeaderEntry): HeaderEntry | null {
  const known = new Set(varyMembersOf(before).map((member) => member.toLowerCase()));
  const added = varyMembersOf(after).filter((member) => !known.has(member.toLowerCase()));
  return added.length === 0 ? null : [after[0], added.join(', ')];
}

function mergeVary(current: HeaderEntry, recorded: HeaderEntry): HeaderEntry {
  const added = diffVary(current, recorded);
  return added === null ? current : [current[0], [...varyMembersOf(current), ...linesOf(added)].join(', ')];
}

function varyMembersOf(entry: HeaderEntry | undefined): string[] {
  const members = linesOf(entry).flatMap((line) => line.split(','));
  return members.map((member) => member.trim()).filter((member) => member !== '');
}
