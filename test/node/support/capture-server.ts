// A server that captures every response and holds it until the test decides.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { CapturedResponse } from '../../../packages/core/src/http/index.js';
import { type Capture, captureResponse } from '../../../packages/core/src/node/index.js';
import { listen, type RawServer } from './raw-http.js';

export interface CapturedExchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly capture: Capture;
}

export interface CaptureServer extends RawServer {
  /** The next request whose handler was called, in the order of arrival. */
  nextExchange(): Promise<CapturedExchange>;
  readonly sendErrors: Error[];
}

export interface CaptureSetup {
  readonly maxOutcomeBytes?: number;
  readonly signal?: () => AbortSignal;
  /** Outer middleware: sees the response before the capture begins. */
  readonly outside?: readonly Layer[];
  /** Inner middleware: sees the captured response. */
  readonly inside?: readonly Layer[];
  readonly server?: Server;
}

/** A middleware for connect and Express. */
export type Layer = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void;

export async function startCaptureServer(
  handler: (exchange: CapturedExchange) => unknown,
  setup: CaptureSetup = {},
): Promise<CaptureServer> {
  const exchanges: CapturedExchange[] = [];
  const waiting: ((exchange: CapturedExchange) => void)[] = [];
  const sendErrors: Error[] = [];
  const begin = (req: IncomingMessage, res: ServerResponse): void => {
    realSockets.set(req, req.socket);
    const { maxOutcomeBytes = 100_000, signal } = setup;
    const onSendError = (error: Error) => sendErrors.push(error);
    const capture = captureResponse(req, res, { maxOutcomeBytes, onSendError, ...(signal ? { signal } : {}) });
    const exchange = { req, res, capture };
    runLayers(setup.inside ?? [], req, res, () => {
      handler(exchange);
      const next = waiting.shift();
      if (next) next(exchange);
      else exchanges.push(exchange);
    });
  };
  const wire = await listen(
    (req, res) => runLayers(setup.outside ?? [], req, res, () => begin(req, res)),
    setup.server ?? createServer(),
  );
  const nextExchange = (): Promise<CapturedExchange> =>
    new Promise((resolve) => {
      const next = exchanges.shift();
      if (next) resolve(next);
      else waiting.push(resolve);
    });
  return { ...wire, nextExchange, sendErrors };
}

/** Sends the captured response as soon as it has ended. */
export function sendWhenEnded(exchange: CapturedExchange): Promise<void> {
  return exchange.capture.ended.then(() => exchange.capture.send());
}

/** A captured response with its body in one piece. */
export type WholeResponse = Omit<CapturedResponse, 'body'> & { readonly body: Buffer | null };

/** The captured response. Throws if there is none. */
export async function capturedResponse({ capture }: Pick<CapturedExchange, 'capture'>): Promise<WholeResponse> {
  const response = await capture.ended;
  if (response === null) throw new Error('no response came');
  return { ...response, body: response.body?.toBuffer() ?? null };
}

/** Resolves when the server has noticed that the connection is closed. */
export const connectionClosed = (req: IncomingMessage): Promise<void> =>
  new Promise((resolve) => realSocketOf(req).once('close', () => resolve()));

/** On a captured request, `socket` is a proxy that hides that the socket closes. */
const realSocketOf = (req: IncomingMessage): Socket => realSockets.get(req) ?? req.socket;
const realSockets = new WeakMap<IncomingMessage, Socket>();

export const nextLoopTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function runLayers(layers: readonly Layer[], req: IncomingMessage, res: ServerResponse, done: () => void): void {
  const [first, ...rest] = layers;
  const next = (error?: unknown): void => {
    if (error !== undefined) throw error;
    runLayers(rest, req, res, done);
  };
  if (first) first(req, res, next);
  else done();
}
