// A server on which every answer is captured and stays so until the test decides.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Capture, type CapturedAnswer, captureResponse } from '../../../packages/core/src/node/index.js';
import { listen, type Wire } from './wire.js';

export interface Round {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly capture: Capture;
}

export interface CapturedWire extends Wire {
  /** The next request that has come and has been handled, in the order in which they came. */
  round(): Promise<Round>;
  readonly sendErrors: Error[];
}

export interface Setup {
  readonly maxResponseBytes?: number;
  readonly signal?: () => AbortSignal;
  /** Layers outside: they see the response before the capture begins. */
  readonly outside?: readonly Layer[];
  /** Layers inside: they see it captured. */
  readonly inside?: readonly Layer[];
  readonly server?: Server;
}

/** A middleware as connect and Express know it. */
export type Layer = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void;

export async function captured(handler: (round: Round) => unknown, setup: Setup = {}): Promise<CapturedWire> {
  const rounds: Round[] = [];
  const waiting: ((round: Round) => void)[] = [];
  const sendErrors: Error[] = [];
  const begin = (req: IncomingMessage, res: ServerResponse): void => {
    realSockets.set(req, req.socket);
    const { maxResponseBytes = 100_000, signal } = setup;
    const onSendError = (error: Error) => sendErrors.push(error);
    const capture = captureResponse(req, res, { maxResponseBytes, onSendError, ...(signal ? { signal } : {}) });
    const round = { req, res, capture };
    through(setup.inside ?? [], req, res, () => {
      handler(round);
      const next = waiting.shift();
      if (next) next(round);
      else rounds.push(round);
    });
  };
  const wire = await listen(
    (req, res) => through(setup.outside ?? [], req, res, () => begin(req, res)),
    setup.server ?? createServer(),
  );
  const round = (): Promise<Round> =>
    new Promise((resolve) => {
      const next = rounds.shift();
      if (next) resolve(next);
      else waiting.push(resolve);
    });
  return { ...wire, round, sendErrors };
}

/** Sends what is captured as soon as it has ended. */
export function sendingOn(round: Round): Promise<void> {
  return round.capture.ended.then(() => round.capture.send());
}

/** The answer, which the test expects to be there. */
export async function answered(round: Round): Promise<CapturedAnswer> {
  const answer = await round.capture.ended;
  if (answer === null) throw new Error('no answer came');
  return answer;
}

/** Resolves when the server has learnt that the connection is closed. */
export const closing = (req: IncomingMessage): Promise<void> =>
  new Promise((resolve) => realSocketOf(req).once('close', () => resolve()));

/** A captured request has a stand-in for it, which hides that it closes. */
const realSocketOf = (req: IncomingMessage): Socket => realSockets.get(req) ?? req.socket;
const realSockets = new WeakMap<IncomingMessage, Socket>();

export const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function through(layers: readonly Layer[], req: IncomingMessage, res: ServerResponse, done: () => void): void {
  const [first, ...rest] = layers;
  const next = (error?: unknown): void => {
    if (error !== undefined) throw error;
    through(rest, req, res, done);
  };
  if (first) first(req, res, next);
  else done();
}
