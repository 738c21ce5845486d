// What stands on a response while it is captured: the methods and properties that the handler and layers inside use.
import type { ServerResponse } from 'node:http';
import type { AnswerSoFar } from './answer.js';
import type { Below } from './below.js';
import type { Taken } from './flow.js';
import { headersIn, headersOf } from './head.js';
import type { Overlay } from './overlay.js';
import type { Rehearsal } from './rehearsal.js';
import { collectTrailers, type TrailerEntry, type Trailers } from './trailers.js';

export interface HandlerSide {
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
export function coverResponse(side: HandlerSide): void {
  const { res, cover, rehearsal, answer } = side;
  const trailers = collectTrailers(rehearsal);

  cover.value('writeHead', (...args: Args) => writeHead(side, args));
  cover.value('writeHeader', (...args: Args) => Reflect.apply(res.writeHead, res, args));
  cover.value('flushHeaders', () => {
    rehearsal.play((on) => on.flushHeaders());
    if (!rehearsal.isOver) answer.headFlushed();
  });
  cover.value('write', (...args: Args) => write(side, args));
  cover.value('end', (...args: Args) => end(side, trailers, args));
  cover.value('addTrailers', trailers.add);
  cover.value('destroy', (error?: Error) => {
    side.onDestroy(error);
    return res;
  });
  cover.atEnd(() => answer.nothingHasLeft());
}

function writeHead({ res, rehearsal, answer, below }: HandlerSide, args: Args): ServerResponse {
  const { status, reason, headers } = rehearsal.writeHead(args);
  if (rehearsal.isRetired) return res;
  const added = headersIn(args, res);
  for (const [name, value] of added) below('setHeader', name, value);
  res.statusCode = status;
  res.statusMessage = reason;
  const head = { status, reason, headers: added.length === 0 ? headers : headersOf(res) };
  answer.headWritten(head, rehearsal.chunked, rehearsal.headText);
  return res;
}

function write({ rehearsal, answer }: HandlerSide, args: Args): boolean {
  const { chunk, encoding, callback } = parted(args);
  const isOver = rehearsal.isOver;
  const isTaken = rehearsal.play((on) => Reflect.apply(on.write, on, isOver ? args : [chunk, encoding]));
  return isOver ? isTaken : answer.take(bytesOf(chunk, encoding), callback);
}

function end({ res, cover, rehearsal, answer, onEnd }: HandlerSide, trailers: Trailers, args: Args): ServerResponse {
  const { chunk, encoding, callback } = parted(args);
  const isOver = rehearsal.isOver;
  rehearsal.play((on) => Reflect.apply(on.end, on, isOver && chunk ? args : [chunk, encoding]));
  // A second end that brings no bytes is no mistake: it waits for the first.
  if (callback !== ignore && (!isOver || !chunk)) res.once('finish', () => callback());
  if (isOver) return res;
  if (chunk) answer.take(bytesOf(chunk, encoding), ignore);
  // The end of an answer that flows is held back; of one that is held Node's own property tells.
  if (answer.isFlowing) cover.value('writableEnded', true);
  onEnd(trailers.list());
  return res;
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

function bytesOf(chunk: unknown, encoding: unknown): Buffer {
  if (chunk instanceof Uint8Array) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  return Buffer.from(String(chunk), typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8');
}
