// What frameworks have in common whose handlers return a Response.
import { Readable } from 'node:stream';
import type { Capability } from '../../../packages/testing/src/adapter-suite/capabilities.js';
import type { GivenReply, Reply, ResponseHeaders } from '../../../packages/testing/src/adapter-suite/framework.js';

export const lacksOfWebFrameworks = {
  raw: 'A handler returns a Response, and has no response of node:http.',
  errorsAfterHijack: 'A handler returns a Response, and has no response of node:http.',
  reasonPhrases: 'Servers for these handlers send the standard reason phrase.',
  emptyReasonPhrases: 'Servers for these handlers send the standard reason phrase.',
  trailers: 'A Response has no trailers.',
  trailersWithoutBody: 'A Response has no trailers.',
  headerLines:
    'Headers joins the lines of a header: a key in two lines is refused only where the joined text is no key.',
  unparsedBodies: 'The adapter reads the body itself.',
  jsonOfAnyType: 'The adapter reads the body itself, and JSON is what its media type calls JSON.',
  multipart: 'The adapter reads the body itself, and compares multipart bodies by their bytes.',
  nodeLayers: 'There is no response of node:http that such middleware could change.',
  handlerEnd: 'The response is the end of the handler. Where a time-out layer responds, nothing tells of the handler.',
} as const satisfies Partial<Record<Capability, string>>;

/** The Response of a reply. A header whose value is a list has one line for each element. */
export function toResponse(reply: Reply, own: Headers = new Headers()): Response {
  if (typeof reply === 'string') throw new Error(`A handler that returns a Response has no ${reply} reply.`);
  const { status = 200, headers = {} } = reply;
  for (const [name, value] of Object.entries(headers)) setHeader(own, name, value);
  const hasBody = ![204, 205, 304].includes(status);
  const body = hasBody ? contentOf(reply, own) : null;
  return new Response(body as ConstructorParameters<typeof Response>[0], { status, headers: own });
}

function contentOf({ body }: GivenReply, headers: Headers): unknown {
  if (body === undefined || body === null) return null;
  if (body instanceof Readable) return Readable.toWeb(body);
  const isText = typeof body === 'string';
  if (isText || body instanceof Uint8Array || body instanceof ReadableStream) {
    if (isText && !headers.has('content-type')) headers.set('Content-Type', 'text/plain; charset=utf-8');
    return body;
  }
  if (!headers.has('content-type')) headers.set('Content-Type', 'application/json');
  return JSON.stringify(body);
}

function setHeader(headers: Headers, name: string, value: string | string[]): void {
  headers.delete(name);
  for (const line of [value].flat()) headers.append(name, line);
}

export function webHeaders(headers: () => Headers): ResponseHeaders {
  return {
    get: (name) => headers().get(name) ?? undefined,
    set: (name, value) => setHeader(headers(), name, value),
    remove: (name) => headers().delete(name),
  };
}

/** As body parsers do it: JSON, forms, text and bytes; nothing for other media types. */
export async function parsedBodyOf(
  type: string | null,
  read: { json(): Promise<unknown>; text(): Promise<string>; bytes(): Promise<Uint8Array> },
): Promise<unknown> {
  switch (type?.split(';', 1).join().trim().toLowerCase()) {
    case 'application/json':
      return await read.json();
    case 'application/x-www-form-urlencoded':
      return formOf(await read.text());
    case 'text/plain':
      return await read.text();
    case 'application/octet-stream':
      return await read.bytes();
    default:
      return undefined;
  }
}

/** A name that occurs twice has a list of values. */
function formOf(text: string): Record<string, unknown> {
  const form = new URLSearchParams(text);
  return Object.fromEntries([...form.keys()].map((name) => [name, unlisted(form.getAll(name))]));
}

function unlisted(values: string[]): unknown {
  return values.length === 1 ? values[0] : values;
}

/** The response to an error, as other frameworks make it: with its status and headers, without its text. */
export function errorResponse(error: unknown, handled: unknown[] | undefined): Response {
  handled?.push(error);
  const { status, headers = {} } = Object(error) as { status?: unknown; headers?: Record<string, string> };
  if (handled !== undefined) return new Response('handled', { status: 500 });
  if (typeof status !== 'number') return new Response('Internal Server Error', { status: 500 });
  return new Response('Error', { status, headers });
}
