// The head of a response: read from a ServerResponse, or from the many forms of `writeHead`'s arguments.
import { ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import type { HeaderEntry } from '../http/headers.js';
import { http2StreamOf } from './http2/http2-stream.js';
import type { CallOriginal } from './intercept/original-methods.js';

/** The headers that are set on a response, in the order in which Node would send them. */
export function headersOf(res: ServerResponse): HeaderEntry[] {
  return headerNamesOf(res).map((name): HeaderEntry => [name, toHeaderValue(res.getHeader(name))]);
}

/** Removes all headers but these. The lifecycle lists every header that is to be sent. */
export function removeHeadersExcept(res: ServerResponse, headers: readonly HeaderEntry[]): void {
  const kept = new Set(headers.map(([name]) => name.toLowerCase()));
  for (const name of res.getHeaderNames()) if (!kept.has(name)) res.removeHeader(name);
}

/** The names in their original case. Node has this method on every outgoing message, but its types have it on requests only. */
function headerNamesOf(res: ServerResponse): string[] {
  // Over HTTP/2 all names are in lower case. Once the head was written, the pseudo-header of the status is among them.
  if (http2StreamOf(res)) return res.getHeaderNames().filter((name) => !name.startsWith(':'));
  return Reflect.apply(ClientRequest.prototype.getRawHeaderNames, res, []);
}

/** Whether a response with this status to this request has no body, whatever its headers say (RFC 9110 section 6.4.1). */
export function isBodyless(req: IncomingMessage, status: number): boolean {
  return req.method === 'HEAD' || status === 204 || status === 304 || status < 200;
}

/** The value of Content-Length, if it is among these headers and a whole number. */
export function declaredLength(headers: readonly HeaderEntry[]): number | undefined {
  const value = headers.find(([name]) => name.toLowerCase() === 'content-length')?.[1];
  const length = value === undefined ? Number.NaN : Number(value);
  return Number.isInteger(length) ? length : undefined;
}

export function isEventStream(headers: readonly HeaderEntry[]): boolean {
  const type = headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1];
  return String(type).toLowerCase().startsWith('text/event-stream');
}

/** Sets exactly these headers on a response, in this order. Headers that are right already are not touched. */
export function setHeadersInOrder(
  res: ServerResponse,
  callOriginal: CallOriginal,
  wanted: readonly HeaderEntry[],
): void {
  const current = headersOf(res);
  for (const [at, [name]] of current.entries()) {
    if (name.toLowerCase() !== wanted[at]?.[0].toLowerCase()) callOriginal('removeHeader', name);
  }
  for (const [at, entry] of wanted.entries()) {
    if (!isDeepStrictEqual(entry, current[at])) callOriginal('setHeader', ...entry);
  }
}

/**
 * The headers among the arguments of `writeHead`, as Node writes them on a response without other headers. Node accepts an object, a flat
 * list and a list of pairs, and sends a name that is listed twice as two lines.
 */
export function parseWriteHeadHeaders(args: readonly unknown[]): HeaderEntry[] {
  return mergeByName(toHeaderEntries(typeof args[1] === 'string' ? args[2] : (args[2] ?? args[1])));
}

function toHeaderEntries(given: unknown): HeaderEntry[] {
  if (typeof given !== 'object' || given === null) return [];
  if (!Array.isArray(given)) return Object.entries(given).map(([name, value]) => [name, toHeaderValue(value)]);
  const list: readonly unknown[] = given.flatMap((entry: unknown) => (Array.isArray(given[0]) ? entry : [entry]));
  return list.flatMap((name, at): HeaderEntry[] => (at % 2 === 0 ? [[String(name), toHeaderValue(list[at + 1])]] : []));
}

/** One entry for each name, with all its values. */
function mergeByName(entries: readonly HeaderEntry[]): HeaderEntry[] {
  const byName = new Map<string, HeaderEntry>();
  for (const [name, value] of entries) {
    const earlier = byName.get(name.toLowerCase());
    byName.set(name.toLowerCase(), earlier ? [earlier[0], [earlier[1], value].flat()] : [name, value]);
  }
  return [...byName.values()];
}

function toHeaderValue(value: unknown): string | string[] {
  return Array.isArray(value) ? value.map(String) : String(value);
}
