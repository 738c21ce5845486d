// Whose headers they are: those of the layers outside come live, those that the handler's side made are recorded.

/** What Node takes as the name of a header, and as a line of its value. */
export const headerNamePattern = /^[\w!#$%&'*+.^`|~-]+$/;
export const headerLinePattern = /^[\t\x20-\x7e\x80-\xff]*$/;

/** A header as it goes out: one line, or one line for each element. */
export type HeaderEntry = readonly [name: string, value: string | readonly string[]];

/** What the handler's side did to the headers. */
export interface HeaderChange {
  /** Added or changed, by their whole value. Of `Vary`, only the members that were added. */
  readonly set: readonly HeaderEntry[];
  /** In lower case. */
  readonly removed: readonly string[];
}

/**
 * They speak of one connection, or of how one message is cut (RFC 9110 section 7.6.1, RFC 9112 sections 6 and 7), so
 * whoever sends decides them; `Trailer` with the coding that allows trailers. Never recorded, whatever the options say.
 */
const framingHeaders = [
  'connection',
  'content-length',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** Where applications put tokens and keys: those of frameworks and gateways that are widely used. */
const tokenHeaders = [
  'api-key',
  'x-api-key',
  'x-api-token',
  'auth-token',
  'x-auth-token',
  'x-authorization',
  'access-token',
  'x-access-token',
  'refresh-token',
  'x-refresh-token',
  'id-token',
  'x-id-token',
  'session-token',
  'x-session-token',
  'x-session-id',
  'x-amz-security-token',
  'x-token',
  'x-jwt',
  'x-jwt-token',
  'csrf-token',
  'x-csrf-token',
  'xsrf-token',
  'x-xsrf-token',
];

/**
 * What is not recorded by default, as header or trailer: it belongs to one exchange (framing, dates, rate limits, tracing, request ids,
 * challenges), to one browser page (`Access-Control-*`), or is a credential (cookies, tokens, the idempotency key itself). A name may
 * end in `*`.
 */
export const defaultOmitHeaders: readonly string[] = Object.freeze([
  ...framingHeaders,
  'www-authenticate',
  'authentication-info',
  'proxy-authenticate',
  'proxy-authentication-info',
  'date',
  'age',
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'set-cookie2',
  'idempotency-key',
  ...tokenHeaders,
  'access-control-*',
  'ratelimit',
  'ratelimit-*',
  'x-ratelimit-*',
  'x-rate-limit-*',
  'server-timing',
  'traceparent',
  'tracestate',
  'traceresponse',
  'request-id',
  'x-request-id',
  'correlation-id',
  'x-correlation-id',
  'x-trace-id',
  'x-amzn-requestid',
  'x-amzn-trace-id',
  'x-cloud-trace-context',
]);

export type HeaderNamePredicate = (name: string) => boolean;

/**
 * Whether a header or trailer is left out of records: framing always, and what `names` names, in any case. `idempotency-key` among them
 * stands for `keyHeader` too.
 */
export function createOmitPredicate(names: readonly string[], keyHeader = 'Idempotency-Key'): HeaderNamePredicate {
  const named = names.map((name) => name.toLowerCase());
  const all = [...framingHeaders, ...named, ...(named.includes('idempotency-key') ? [keyHeader.toLowerCase()] : [])];
  const exact = new Set(all);
  const prefixes = all.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1));
  return (name) => {
    const lower = name.toLowerCase();
    return exact.has(lower) || prefixes.some((prefix) => lower.startsWith(prefix));
  };
}

/** Whether a header speaks of one connection or of how one message is cut: the sender sets it, and no record has it. */
export const isFramingHeader: HeaderNamePredicate = createOmitPredicate([]);

/**
 * What happened between two heads: `before` stood when the handler's side was entered, `after` when it answered. A
 * header set again to the value that it had is no change, and comes live.
 */
export function diffHeaders(
  before: readonly HeaderEntry[],
  after: readonly HeaderEntry[],
  isOmitted: HeaderNamePredicate,
): HeaderChange {
  const earlier = groupByName(before);
  const later = groupByName(after);
  const set: HeaderEntry[] = [];
  for (const [name, entry] of later) {
    if (isOmitted(name)) continue;
    const added = name === 'vary' ? diffVary(earlier.get(name), entry) : entry;
    if (added !== null && !hasSameLines(earlier.get(name), added)) set.push(added);
  }
  const removed = [...earlier.keys()].filter((name) => !later.has(name) && name !== 'vary' && !isOmitted(name));
  return { set, removed };
}

/** The inverse: the headers of a replay, from those that the layers outside have set this time. */
export function applyHeaderChange(live: readonly HeaderEntry[], change: HeaderChange): HeaderEntry[] {
  const entries = groupByName(live);
  for (const name of change.removed) entries.delete(name);
  for (const [name, entry] of groupByName(change.set)) {
    const standing = entries.get(name);
    entries.set(name, name === 'vary' && standing !== undefined ? mergeVary(standing, entry) : entry);
  }
  return [...entries.values()];
}

/** Lines of one name belong together, wherever they stand. */
function groupByName(entries: readonly HeaderEntry[]): Map<string, HeaderEntry> {
  const found = new Map<string, HeaderEntry>();
  for (const entry of entries) {
    const name = entry[0].toLowerCase();
    const earlier = found.get(name);
    found.set(name, earlier === undefined ? entry : [earlier[0], [...linesOf(earlier), ...linesOf(entry)]]);
  }
  return found;
}

function linesOf([, value]: HeaderEntry): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}

function hasSameLines(one: HeaderEntry | undefined, other: HeaderEntry): boolean {
  if (one === undefined) return false;
  const [mine, theirs] = [linesOf(one), linesOf(other)];
  return mine.length === theirs.length && mine.every((line, index) => line === theirs[index]);
}

/** Answers of every layer vary by what each of them looks at, so a member is only ever added. */
function diffVary(earlier: HeaderEntry | undefined, later: HeaderEntry): HeaderEntry | null {
  const known = new Set(earlier === undefined ? [] : varyMembersOf(earlier).map((member) => member.toLowerCase()));
  const added = varyMembersOf(later).filter((member) => !known.has(member.toLowerCase()));
  return added.length === 0 ? null : [later[0], added.join(', ')];
}

function mergeVary(standing: HeaderEntry, recorded: HeaderEntry): HeaderEntry {
  const added = diffVary(standing, recorded);
  return added === null ? standing : [standing[0], [...varyMembersOf(standing), ...linesOf(added)].join(', ')];
}

function varyMembersOf(entry: HeaderEntry): string[] {
  const members = linesOf(entry).flatMap((line) => line.split(','));
  return members.map((member) => member.trim()).filter((member) => member !== '');
}
