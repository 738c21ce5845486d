// The headers of a response: Headers as the list that the lifecycle compares, and back.
import { isFramingHeader } from '../http/framing-headers.js';
import { type HeaderEntry, linesOf } from '../http/headers.js';

/** Names are in lower case. Each cookie is a line of its own. */
export function toHeaderEntries(headers: Headers): HeaderEntry[] {
  const entries: HeaderEntry[] = [];
  headers.forEach((value, name) => {
    if (name !== 'set-cookie') entries.push([name, value]);
  });
  const cookies = headers.getSetCookie();
  if (cookies.length > 0) entries.push(['set-cookie', cookies]);
  return entries;
}

/** The headers of a replay or a refusal. The server sets the framing headers, whatever a record says. */
export function toHeaders(entries: readonly HeaderEntry[]): Headers {
  const headers = new Headers();
  for (const entry of entries) {
    if (isFramingHeader(entry[0])) continue;
    for (const line of linesOf(entry)) headers.append(entry[0], line);
  }
  return headers;
}

/**
 * The headers for a body whose length is known, and the `extra` ones. `byteLength` is null where no body is sent. Headers that describe
 * another framing are dropped. The handler may have set them for a stream, or passed on a response of `fetch`, whose Content-Length is that
 * of the compressed body.
 */
export function headersForBytes(headers: Headers, byteLength: number | null, extra: readonly HeaderEntry[]): Headers {
  const length = headers.get('content-length');
  const isWrongLength = byteLength !== null && length !== null && length !== String(byteLength);
  const isChunked = headers.has('transfer-encoding');
  if (!isWrongLength && !isChunked && extra.length === 0) return headers;
  // A copy, because the headers of some responses are read-only.
  const changed = new Headers(headers);
  if (isWrongLength) changed.delete('content-length');
  changed.delete('transfer-encoding');
  for (const [name, value] of extra) changed.set(name, String(value));
  return changed;
}

/** The value of Content-Length, if it is a whole number. */
export function declaredLength(headers: Headers): number | undefined {
  const length = headers.get('content-length');
  return length !== null && /^\d+$/.test(length) ? Number(length) : undefined;
}

export function isEventStream(headers: Headers): boolean {
  return headers.get('content-type')?.toLowerCase().startsWith('text/event-stream') ?? false;
}
