// What stands on a response while it is captured: the methods that the handler and layers inside use.

import type { ServerResponse } from 'node:http';
import { isUint8Array } from 'node:util/types';
import type { AnswerSoFar } from './answer.js';
import type { Below } from './below.js';
import type { Taken } from './flow.js';
import { headersOf, rearrange, textOfHead } from './head.js';
import { ordinaryAnswer } from './ordinary.js';
import type { Overlay } from './overlay.js';
import type { Rehearsal } from './rehearsal.js';
import { type TrailerEntry, trailersIn } from './trailers.js';

export interface HandlerSideParts {
  readonly res: ServerResponse;
  readonly below: Below;
  readonly cover: Overlay;
  readonly rehearsal: Rehearsal;
  readonly answer: AnswerSoFar;
  /** The handler's side has ended the answer. */
  onEnd(trailers: readonly TrailerEntry[]): void;
  /** The handler's side destroys the response, ended or not. */
  onDestroy(error: Error | undefined): void;
}

type Args = readonly unknown[];
const ignore = (): void => {};

/** Covers the response. Each method asks the rehearsal first, so it throws and complains as Node's own does. */
export function coverResponse(parts: HandlerSideParts): void {
  const { res, cover } = parts;
  const side = new HandlerSide(parts);
  cover.value('writeHead', side.ownWriteHead);
  // Node 26 has it no longer.
  if ('writeHeader' in res) cover.value('writeHeader', (...args: Args) => Reflect.apply(res.writeHead, res, args));
  cover.value('flushHeaders', () => side.flushHeaders());
  cover.value('write', (...args: Args) => side.write(args));
  cover.value('end', (...args: Args) => side.end(args));
  cover.value('addTrailers', (given: unknown) => side.addTrailers(given));
  cover.value('destroy', (error?: Error) => {
    parts.onDestroy(error);
    return res;
  });
}

class HandlerSide {
  readonly ownWriteHead = (...args: Args): ServerResponse => this.#writeHead(args);
  readonly #parts: HandlerSideParts;
  #trailers: readonly TrailerEntry[] = [];

  constructor(parts: HandlerSideParts) {
    this.#parts = parts;
  }

  #writeHead(args: Args): ServerResponse {
    const { res, rehearsal, answer, below } = this.#parts;
    const { status, reason, headers } = rehearsal.writeHead(args);
    if (rehearsal.isRetired) return res;
    rearrange(res, below, headers);
    res.statusCode = status;
    res.statusMessage = reason;
    answer.headWritten({ status, reason, headers: headersOf(res) }, rehearsal.chunked, rehearsal.headText);
    return res;
  }

  flushHeaders(): void {
    const { rehearsal, answer } = this.#parts;
    rehearsal.play((on) => on.flushHeaders());
    if (!rehearsal.isOver) answer.headFlushed();
  }

  write(args: Args): boolean {
    const { rehearsal, answer } = this.#parts;
    const { chunk, encoding, callback } = parted(args);
    if (rehearsal.takesAllBytes && isBytes(chunk, encoding)) return answer.take(bytesOf(chunk, encoding), callback);
    const isOver = rehearsal.isOver;
    const isTaken = rehearsal.play((on) => Reflect.apply(on.write, on, isOver ? args : [chunk, encoding]));
    return isOver ? isTaken : answer.take(bytesOf(chunk, encoding), callback);
  }

  addTrailers(given: unknown): void {
    this.#parts.rehearsal.play((on) => Reflect.apply(on.addTrailers, on, [given]));
    this.#trailers = trailersIn(given);
  }

  end(args: Args): ServerResponse {
    const { res, cover, rehearsal, answer, onEnd } = this.#parts;
    const { chunk, encoding, callback } = parted(args);
    const isOver = rehearsal.isOver;
    const isOrdinary = this.#endOrdinarily(chunk, encoding);
    if (!isOrdinary) rehearsal.play((on) => Reflect.apply(on.end, on, isOver && chunk ? args : [chunk, encoding]));
    // A second end that brings no bytes is no mistake: it waits for the first.
    if (callback !== ignore && (!isOver || !chunk)) res.once('finish', () => callback());
    if (isOver) return res;
    if (!isOrdinary && chunk) answer.take(bytesOf(chunk, encoding), ignore);
    // The end of an answer that flows is held back; of one that is held Node's own property tells.
    if (answer.isFlowing) cover.value('writableEnded', true);
    // Node sends trailers with chunked coding only, and drops them otherwise.
    onEnd(rehearsal.chunked ? this.#trailers : []);
    return res;
  }

  /** An ordinary answer is not rehearsed, unless a layer inside waits for the head that Node writes by itself. */
  #endOrdinarily(chunk: unknown, encoding: unknown): boolean {
    const { res, rehearsal, answer } = this.#parts;
    if (!rehearsal.isUntouched || res.writeHead !== this.ownWriteHead) return false;
    const ordinary = ordinaryAnswer(res, chunk, encoding);
    if (!ordinary) return false;
    const { head, body } = ordinary;
    const text = textOfHead(head);
    if (!answer.holdWhole(head, body, text)) return false;
    rehearsal.skip(text);
    res.statusMessage = head.reason;
    return true;
  }
}

/** The arguments of `write` and `end`, which may leave out those in the middle. */
function parted(args: Args): { chunk: unknown; encoding: unknown; callback: Taken } {
  const at = args.findIndex((arg) => typeof arg === 'function');
  const [chunk, encoding] = at < 0 ? args : args.slice(0, at);
  const given = args[at];
  return { chunk, encoding, callback: isCallback(given) ? given : ignore };
}

function isCallback(given: unknown): given is Taken {
  return typeof given === 'function';
}

function isBytes(chunk: unknown, encoding: unknown): boolean {
  if (isUint8Array(chunk)) return true;
  const isKnown =
    encoding === undefined || encoding === null || (typeof encoding === 'string' && Buffer.isEncoding(encoding));
  return typeof chunk === 'string' && isKnown;
}

function bytesOf(chunk: unknown, encoding: unknown): Buffer {
  if (isUint8Array(chunk)) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  return Buffer.from(String(chunk), typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8');
}
