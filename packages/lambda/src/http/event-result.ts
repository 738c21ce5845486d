// The results of HTTP handlers: what the sender of the event makes of one, and a response written as one.
import { isUtf8 } from 'node:buffer';
import { STATUS_CODES } from 'node:http';
import { type HeaderEntry, isFramingHeader, type OutgoingResponse } from '@onceguard/core/http';
import type { EventFormat } from './event-request.js';

/** A response as the sender of the event reads it from a result. */
export interface ResultResponse {
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly HeaderEntry[];
  /** Null: a stream, whose bytes nobody has yet. */
  readonly body: Buffer | null;
}

interface ResultObject {
  readonly statusCode?: unknown;
  readonly statusDescription?: unknown;
  readonly headers?: unknown;
  readonly multiValueHeaders?: unknown;
  readonly cookies?: unknown;
  readonly body?: unknown;
  readonly isBase64Encoded?: unknown;
}

/** Null where the sender of the event would respond with an error of its own, because the result is not well-formed. */
export function readResult(result: unknown, format: EventFormat): ResultResponse | null {
  const inferred = inferResponse(result, format);
  if (inferred !== null || !isObject(result)) return inferred;
  const status = Number(result.statusCode);
  if (!Number.isInteger(status) || status < 200 || status > 599) return null;
  const body = bodyOf(result);
  if (body === undefined) return null;
  return { status, reason: reasonOf(result, status), headers: headersOf(result, format), body };
}

/** HTTP APIs and function URLs make a 200 of a result that names no status. Null: this one does, or must. */
export function inferResponse(result: unknown, format: EventFormat): (ResultResponse & { body: Buffer }) | null {
  if (format !== 'v2' || (isObject(result) && result.statusCode !== undefined)) return null;
  const body = Buffer.from(JSON.stringify(result ?? null));
  return { status: 200, reason: reasonPhrase(200), headers: [['content-type', 'application/json']], body };
}

/** Undefined: it is neither text nor a stream. */
function bodyOf({ body, isBase64Encoded }: ResultObject): Buffer | null | undefined {
  if (body === undefined || body === null) return Buffer.alloc(0);
  if (typeof body === 'string') return Buffer.from(body, isBase64Encoded === true ? 'base64' : 'utf8');
  return isStream(body) ? null : undefined;
}

function isStream(body: unknown): boolean {
  return isObject(body) && ('pipe' in body || 'getReader' in body);
}

/** Only the headers that this kind of sender reads. */
function headersOf({ headers, multiValueHeaders, cookies }: ResultObject, format: EventFormat): HeaderEntry[] {
  const single = format === 'alb-multi' ? [] : headerEntries(headers);
  const multiple = format === 'v1' || format === 'alb-multi' ? headerEntries(multiValueHeaders) : [];
  const isRepeated = ([name, value]: HeaderEntry) =>
    multiple.some(([other, lines]) => other === name && [lines].flat().includes(String(value)));
  const setCookie = format === 'v2' && Array.isArray(cookies) && cookies.length > 0 ? cookies.map(String) : null;
  return [
    ...single.filter((entry) => !isRepeated(entry)),
    ...multiple,
    ...(setCookie === null ? [] : [['Set-Cookie', setCookie] as const]),
  ];
}

/** A list of one line is that line, so that `isFinal` sees the same value whichever member the handler used. */
function headerEntries(headers: unknown): HeaderEntry[] {
  return Object.entries(Object(headers))
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => {
      const isList = Array.isArray(value) && value.length !== 1;
      return [name, isList ? value.map(String) : String(value)];
    });
}

/** Load balancers take the reason phrase from `statusDescription`, such as `200 OK`. */
function reasonOf({ statusDescription }: ResultObject, status: number): string {
  const match = typeof statusDescription === 'string' ? /^\d{3} (.+)$/.exec(statusDescription) : null;
  return match?.[1] ?? reasonPhrase(status);
}

function reasonPhrase(status: number): string {
  return STATUS_CODES[status] ?? '';
}

/** A response as a result for this kind of sender. Bytes that are no text go as base64. */
export function writeResult({ status, reason, headers, body }: OutgoingResponse, format: EventFormat): object {
  const entries = headers.filter(([name]) => !isFramingHeader(name));
  const isText = isUtf8(body);
  const content = { body: body.toString(isText ? 'utf8' : 'base64'), isBase64Encoded: !isText };
  const statusDescription = `${status} ${reason ?? reasonPhrase(status)}`.trim();
  switch (format) {
    case 'v2':
      return { statusCode: status, ...headersWithCookies(entries), ...content };
    case 'v1':
      return { statusCode: status, ...headersAndLists(entries), ...content };
    case 'alb':
      return { statusCode: status, statusDescription, headers: Object.fromEntries(singleLines(entries)), ...content };
    case 'alb-multi':
      return { statusCode: status, statusDescription, multiValueHeaders: listsOf(entries), ...content };
  }
}

/** The result with headers added, everything else as it was. */
export function addHeaders(result: object, added: readonly HeaderEntry[], format: EventFormat): object {
  const member = format === 'alb-multi' ? 'multiValueHeaders' : 'headers';
  const values = format === 'alb-multi' ? listsOf(added) : Object.fromEntries(singleLines(added));
  return { ...result, [member]: { ...Object(Reflect.get(result, member)), ...values } };
}

function headersWithCookies(entries: readonly HeaderEntry[]): object {
  const cookies = entries.filter(([name]) => isSetCookie(name)).flatMap(([, lines]) => lines);
  const others = singleLines(entries.filter(([name]) => !isSetCookie(name)));
  return { headers: Object.fromEntries(others), ...(cookies.length === 0 ? {} : { cookies }) };
}

function headersAndLists(entries: readonly HeaderEntry[]): object {
  const lists = entries.filter(([, lines]) => typeof lines !== 'string' && lines.length > 1);
  const others = singleLines(entries.filter((entry) => !lists.includes(entry)));
  return { headers: Object.fromEntries(others), ...(lists.length === 0 ? {} : { multiValueHeaders: listsOf(lists) }) };
}

function listsOf(entries: readonly HeaderEntry[]): Record<string, readonly string[]> {
  return Object.fromEntries(entries.map(([name, lines]) => [name, [lines].flat()]));
}

/** Lines are joined by commas. Cookies cannot be: each gets a spelling of its own, as handlers behind a load balancer do it. */
function singleLines(entries: readonly HeaderEntry[]): [name: string, value: string][] {
  return entries.flatMap(([name, value]): [string, string][] => {
    const lines = [value].flat();
    if (!isSetCookie(name)) return [[name, lines.join(', ')]];
    return lines.map((line, at) => [spelling(name, at), line]);
  });
}

/** `set-cookie`, `Set-cookie`, `sEt-cookie`, …: the bits of `at` choose the letters in upper case. */
function spelling(name: string, at: number): string {
  let bits = at;
  return name.toLowerCase().replace(/[a-z]/g, (letter) => {
    const isUpper = bits % 2 === 1;
    bits = Math.floor(bits / 2);
    return isUpper ? letter.toUpperCase() : letter;
  });
}

function isSetCookie(name: string): boolean {
  return name.toLowerCase() === 'set-cookie';
}

function isObject(value: unknown): value is ResultObject {
  return typeof value === 'object' && value !== null;
}
