// Sends through Fastify a response that no handler has given: a replay or a refusal.
import { isUtf8 } from 'node:buffer';
import { Readable } from 'node:stream';
import type { HeaderEntry, OutgoingResponse } from '@onceguard/core/http';
import { mergeCurrentHeaders } from '@onceguard/core/node';
import type { FastifyReply } from 'fastify';
import { headersOf, isBodyless, setHead } from './reply-head.js';

/** Holds what Fastify sends next until its hooks have run, and sends what `replacement` returns in its place. */
interface ReplayInterceptor {
  startReplay(replacement: () => unknown): void;
}

/** Every hook treats it like any reply. */
export function sendRefusal(reply: FastifyReply, refusal: OutgoingResponse): void {
  setHead(reply, refusal);
  sendAsItIs(reply, textOrBytes(refusal));
}

/**
 * The hooks of the application have worked on the response when it was recorded. Now they work on the recorded one, for the headers that
 * they set (cookies, timings), and what they make of its status and body is dropped. The hooks of the route get the recorded body.
 */
export function sendReplay(reply: FastifyReply, interceptor: ReplayInterceptor, replay: OutgoingResponse): void {
  const before = headersOf(reply);
  setHead(reply, replay);
  const withRecorded = headersOf(reply);
  interceptor.startReplay(() => replaceReplay(reply, replay, before, withRecorded));
  sendAsItIs(reply, isBodyless(reply) ? null : textOrBytes(replay));
}

/** The payload to return from an onSend hook, in place of the reply's own. */
export function replaceReply(reply: FastifyReply, response: OutgoingResponse): unknown {
  setHead(reply, response);
  const { body, trailers } = response;
  if (isBodyless(reply) || (body.length === 0 && trailers.length === 0)) return null;
  if (trailers.length === 0) return textOrBytes(response);
  addTrailers(reply, trailers);
  // Only a stream is sent in chunks, after which trailers can follow.
  return Readable.from([body]);
}

/** As an object: over HTTP/2 Node accepts no list. */
function addTrailers({ raw }: FastifyReply, trailers: OutgoingResponse['trailers']): void {
  const linesByName: Record<string, string[]> = {};
  for (const [name, line] of trailers) linesByName[name] = [...(linesByName[name] ?? []), line];
  Reflect.apply(raw.addTrailers, raw, [linesByName]);
}

function replaceReplay(
  reply: FastifyReply,
  replay: OutgoingResponse,
  before: readonly HeaderEntry[],
  withRecorded: readonly HeaderEntry[],
): unknown {
  // A hook has compared the ETag with the client's.
  const isNotModified = reply.statusCode === 304 && replay.status >= 200 && replay.status < 300;
  const headers = mergeCurrentHeaders(replay.headers, {
    before,
    withRecorded,
    afterMiddleware: headersOf(reply),
    mayRemoveHeaders: isNotModified || reply.statusCode === replay.status,
  });
  if (!isNotModified) return replaceReply(reply, { ...replay, headers });
  return replaceReply(reply, { status: 304, headers, trailers: [], body: Buffer.alloc(0) });
}

/** Without a serialiser, Fastify would add a charset to the media type of JSON. One that the application has set must not run either. */
function sendAsItIs(reply: FastifyReply, payload: string | Buffer | null): void {
  reply.serializer((text) => String(text)).send(payload);
}

const textTypes = /^text\/|^application\/(?:json|xml|javascript|x-www-form-urlencoded|graphql)|\+(?:json|xml)/i;

/** Hooks get a text where the handler has probably sent one, because they may parse it or change it. */
function textOrBytes({ headers, body }: OutgoingResponse): string | Buffer {
  const type = headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1];
  return textTypes.test(String(type)) && isUtf8(body) ? body.toString() : body;
}
