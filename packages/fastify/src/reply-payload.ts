// The payload of a reply, as an onSend hook gets it: a text, bytes, a stream of Node or of the web, or a Response of the web.
import { EventEmitter } from 'node:events';
import { finished, Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { ResponseBody } from '@onceguard/core/http';
import type { FastifyReply } from 'fastify';

/** `body` is null where the payload is larger than the limit, must not wait, or is none that Fastify accepts. */
export interface ReadPayload {
  readonly body: ResponseBody | null;
  /** To be sent in place of the payload that was read. */
  readonly payload: unknown;
}

/** Reads a payload up to `maxBytes`. Rejects with the error of its stream. */
export async function readPayload(reply: FastifyReply, given: unknown, maxBytes: number): Promise<ReadPayload> {
  const payload = unwrapResponse(reply, given);
  if (payload === undefined || payload === null) return { body: new ResponseBody(), payload: null };
  if (typeof payload === 'string') return readText(payload, maxBytes);
  if (Buffer.isBuffer(payload)) return readBytes(payload, maxBytes);
  if (isEventStream(reply)) return { body: null, payload };
  const source = toNodeStream(payload);
  return source === null ? { body: null, payload } : await readStream(source, maxBytes);
}

function readText(payload: string, maxBytes: number): ReadPayload {
  const bytes = Buffer.from(payload);
  return { body: bytes.length > maxBytes ? null : new ResponseBody(bytes), payload };
}

/** A copy, because the owner of the bytes may change them before they are recorded and sent. */
function readBytes(payload: Buffer, maxBytes: number): ReadPayload {
  if (payload.length > maxBytes) return { body: null, payload };
  const body = new ResponseBody();
  body.append(payload);
  return { body, payload: body.toBuffer() };
}

function readStream(source: Readable, maxBytes: number): Promise<ReadPayload> {
  const body = new ResponseBody();
  return new Promise((resolve, reject) => {
    const stopReading = (): void => {
      source.off('data', read);
      forgetEnd();
    };
    const forgetEnd = finished(source, { writable: false }, (error) => {
      stopReading();
      if (error) reject(error);
      else resolve({ body, payload: body.toBuffer() });
    });
    const read = (chunk: unknown): void => {
      body.append(toBuffer(chunk));
      if (body.byteLength <= maxBytes) return;
      stopReading();
      source.pause();
      resolve({ body: null, payload: continueStream(body.blocks, source) });
    };
    source.on('data', read);
  });
}

/** A stream of the bytes that were read already and of the rest. To destroy it destroys the source at once. */
function continueStream(first: readonly Buffer[], source: Readable): Readable {
  const whole = new Readable({
    read: () => void source.resume(),
    destroy(error, callback) {
      source.destroy();
      callback(error);
    },
  });
  for (const block of first) whole.push(block);
  source.on('data', (chunk: unknown) => {
    if (!whole.push(toBuffer(chunk))) source.pause();
  });
  finished(source, { writable: false }, (error) => {
    if (error) whole.destroy(error);
    else whole.push(null);
  });
  return whole;
}

/** A chunk of another type is a mistake of the stream's owner; Node's own pipe would throw the same where nobody can catch it. */
function toBuffer(chunk: unknown): Buffer {
  return chunk instanceof Uint8Array
    ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    : Buffer.from(String(chunk));
}

/** As Fastify does after the onSend hooks: status and headers of a Response become those of the reply. */
function unwrapResponse(reply: FastifyReply, payload: unknown): unknown {
  if (!isWebResponse(payload) || payload.bodyUsed) return payload;
  reply.code(payload.status);
  for (const [name, value] of payload.headers) reply.header(name, value);
  return payload.body;
}

/** Null: it is none, or somebody else reads it. Then it is left to Fastify. */
function toNodeStream(payload: unknown): Readable | null {
  if (isWebStream(payload)) return payload.locked ? null : Readable.fromWeb(payload);
  if (payload instanceof Readable) return payload;
  const isOldStream = payload instanceof EventEmitter && 'pipe' in payload && typeof payload.pipe === 'function';
  return isOldStream ? new Readable().wrap(payload as unknown as NodeJS.ReadableStream) : null;
}

/** By the tag, as Fastify does: it may be of another realm or of a library. */
function isWebResponse(payload: unknown): payload is Response {
  return Object.prototype.toString.call(payload) === '[object Response]';
}

function isWebStream(payload: unknown): payload is ReadableStream {
  return typeof payload === 'object' && payload !== null && 'getReader' in payload;
}

function isEventStream(reply: FastifyReply): boolean {
  return String(reply.getHeader('content-type')).toLowerCase().startsWith('text/event-stream');
}
