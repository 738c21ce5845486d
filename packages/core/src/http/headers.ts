// The headers of a response as a list: what Node accepts in them, and how to look them up.

/** One header: a single line, or one line for each element. */
export type HeaderEntry = readonly [name: string, value: string | readonly string[]];

/** What Node accepts as the name of a header. */
export const headerNamePattern = /^[\w!#$%&'*+.^`|~-]+$/;
/** What Node accepts as one line of a header's value. */
export const headerLinePattern = /^[\t\x20-\x7e\x80-\xff]*$/;

export function isHeaderLine(value: unknown): value is string {
  return typeof value === 'string' && headerLinePattern.test(value);
}

/** The value of a header, its lines joined. Undefined where the header is missing. `name` is in lower case. */
export function headerValue(headers: readonly HeaderEntry[], name: string): string | undefined {
  const value = headers.find(([header]) => header.toLowerCase() === name)?.[1];
  return value === undefined || typeof value === 'string' ? value : value.join(', ');
}

/** The lines of a header. None where it is missing. */
export function linesOf(entry: HeaderEntry | undefined): readonly string[] {
  if (entry === undefined) return [];
  return typeof entry[1] === 'string' ? [entry[1]] : entry[1];
}

/** One entry for each name in lower case. Lines of one name belong together, wherever they stand in the list. */
export function groupByName(entries: readonly HeaderEntry[]): Map<string, HeaderEntry> {
  const byName = new Map<string, HeaderEntry>();
  for (const entry of entries) {
    const name = entry[0].toLowerCase();
    const earlier = byName.get(name);
    byName.set(name, earlier === undefined ? entry : [earlier[0], [...linesOf(earlier), ...linesOf(entry)]]);
  }
  return byName;
}
