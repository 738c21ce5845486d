// Status and headers of a reply. Fastify keeps them until it writes, beside those that are set on the raw response.
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { type HeaderEntry, isFramingHeader } from '@onceguard/core/http';
import type { FastifyReply } from 'fastify';

export interface ReplyHead {
  readonly status: number;
  /** Default: the usual reason phrase of the status. */
  readonly reason?: string;
  readonly headers: readonly HeaderEntry[];
}

export function headersOf(reply: FastifyReply): HeaderEntry[] {
  return Object.entries(reply.getHeaders()).flatMap(([name, value]): HeaderEntry[] =>
    // node:http2 lists the status as a header.
    value === undefined || name.startsWith(':') ? [] : [[name, toHeaderValue(value)]],
  );
}

function toHeaderValue(value: unknown): string | string[] {
  return Array.isArray(value) ? value.map(String) : String(value);
}

/** Sets status and reason, and exactly these headers. Fastify and Node decide the framing. */
export function setHead(reply: FastifyReply, { status, reason, headers }: ReplyHead): void {
  reply.code(status);
  // HTTP/2 has no reason phrase, and Node warns of one.
  if (reason !== undefined && reply.request.raw.httpVersionMajor < 2) reply.raw.statusMessage = reason;
  const current = new Map(headersOf(reply));
  const wanted = new Set(headers.map(([name]) => name.toLowerCase()));
  for (const name of current.keys()) if (!wanted.has(name)) reply.removeHeader(name);
  for (const [name, value] of headers) {
    if (isFramingHeader(name) || isSame(current.get(name.toLowerCase()), value)) continue;
    reply.removeHeader(name).header(name, typeof value === 'string' ? value : [...value]);
  }
  // The length of this payload, not of an earlier one.
  reply.removeHeader('content-length');
}

export function isSameHead(reply: FastifyReply, { status, headers }: ReplyHead): boolean {
  const current = new Map(headersOf(reply));
  const isUnchanged = ([name, value]: HeaderEntry) => isSame(current.get(name), value);
  return reply.statusCode === status && current.size === headers.length && headers.every(isUnchanged);
}

function isSame(a: HeaderEntry[1] | undefined, b: HeaderEntry[1]): boolean {
  if (typeof a === 'string' || typeof b === 'string' || a === undefined) return a === b;
  return a.length === b.length && a.every((line, at) => line === b[at]);
}

/** Whether Node would send these headers. */
export function isSendable(headers: readonly HeaderEntry[]): boolean {
  try {
    for (const [name, value] of headers) {
      validateHeaderName(name);
      for (const line of typeof value === 'string' ? [value] : value) validateHeaderValue(name, line);
    }
    return true;
  } catch {
    return false;
  }
}

/** Whether a response to this reply's request has no body, whatever its payload is. */
export function isBodyless(reply: FastifyReply): boolean {
  return reply.request.method === 'HEAD' || reply.statusCode === 204 || reply.statusCode === 304;
}
