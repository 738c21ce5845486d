// What captured responses of one connection share: the news that it closed, and destroying it being put off.
import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { http2StreamOf } from '../http2/http2-stream.js';
import { restoreProperty } from '../intercept/property-overrides.js';

/**
 * Outside of Node's own server there may be anything in place of a socket: a plain object, a stream, nothing. Of everything
 * here it is asked first whether it has it.
 */
type SocketLike = Partial<Socket>;

const connections = new WeakMap<object, ClientConnection>();

/** The connection of a request, which stays the same while its response has not had its turn. */
export function connectionOf(message: { readonly socket?: IncomingMessage['socket'] | null }): ClientConnection {
  // Over HTTP/2 many streams share a socket, and each closes by itself.
  const socket: object | null | undefined = http2StreamOf(message) ?? message.socket;
  if (typeof socket !== 'object' || socket === null) return new ClientConnection({});
  const known = connections.get(socket);
  if (known) return known;
  const connection = new ClientConnection(socket as SocketLike);
  connections.set(socket, connection);
  return connection;
}

/** Wrappers that make a response without Node's server give it no request, or a part of one. */
export function connectionOfResponse(res: ServerResponse): ClientConnection {
  const req: Partial<IncomingMessage> | undefined = res.req;
  return connectionOf(req?.socket ? req : res);
}

/**
 * Between the end of an answer and its leaving, application code may destroy the socket: Express' final handler does
 * when an error arrives after the head was written. The client would get nothing although the work is done. So a
 * destroy is put off while an answer is held, and happens when the last one has left. One that comes because the client
 * has gone goes through, for there is nothing left to wait for.
 *
 * Requests may be pipelined, so one connection can have several answers held.
 */
export class ClientConnection {
  /** The socket, if it is one that says when it closes. */
  readonly emitter: EventEmitter | undefined;
  readonly #socket: SocketLike;
  readonly #listeners = new Set<() => void>();
  #isDestroyOverridden = false;
  #isClosing = false;
  #isClosed = false;
  #isDestroyAllowed = false;
  #heldResponses = 0;
  #unsentResponses = 0;
  #deferredDestroy: (() => void) | undefined;

  constructor(socket: SocketLike) {
    this.#socket = socket;
    if (!(socket instanceof EventEmitter)) return;
    this.emitter = socket;
    // Before Node's own listener, and after it.
    socket.prependOnceListener('close', () => {
      this.#isClosing = true;
    });
    // One listener for all, or ten pipelined requests would be reported as a leak.
    socket.once('close', () => {
      this.#isClosing = false;
      this.#isClosed = true;
      for (const listener of this.#listeners) listener();
      this.#listeners.clear();
    });
  }

  get isClosed(): boolean {
    return this.#isClosed || this.#socket.closed === true;
  }

  /** Nothing that is written to it can leave any more. */
  get isDestroyed(): boolean {
    return this.#socket.destroyed === true;
  }

  destroy(error?: Error): void {
    this.#socket.destroy?.(error);
  }

  /** Calls back once when the connection closes. */
  onClose(listener: () => void): void {
    this.#listeners.add(listener);
  }

  offClose(listener: () => void): void {
    this.#listeners.delete(listener);
  }

  /**
   * True for what Node, from version 24 on, destroys a response with that has not had its turn when the connection closes.
   * Nobody of the handler's side wants that.
   */
  isClosingError(error: Error | undefined): boolean {
    return this.#isClosing && error !== undefined && 'code' in error && error.code === 'ECONNRESET';
  }

  /** From here on destroying works, whatever is held: what is behind a broken answer can never leave. */
  allowDestroy(): void {
    this.#isDestroyAllowed = true;
  }

  /** An answer is held: destroying is put off. To be followed by `leaving` and `left`, once each. */
  responseHeld(): void {
    this.#heldResponses += 1;
    this.#unsentResponses += 1;
    if (!this.#isDestroyOverridden) this.#overrideDestroy(this.#socket.destroy);
  }

  /** The answer is being sent: destroying works again, what was put off waits for the rest of the answer. */
  responseSending(): void {
    this.#heldResponses -= 1;
  }

  /** The answer has left, or never will. */
  responseSent(): void {
    this.#unsentResponses -= 1;
    if (this.#unsentResponses > 0) return;
    this.#deferredDestroy?.();
    this.#deferredDestroy = undefined;
  }

  /** Stays as long as the connection: to cover and uncover it with each answer would cost more than all else here. */
  #overrideDestroy(beneath: Socket['destroy'] | undefined): void {
    // Without news of its end it could not be uncovered.
    if (!beneath || !this.emitter) return;
    this.#isDestroyOverridden = true;
    const socket = this.#socket;
    const own = Object.getOwnPropertyDescriptor(socket, 'destroy');
    // Whoever kept this function calls it later as well; then it only hands on.
    const destroy = (error?: Error): unknown => {
      const isHeld = this.#heldResponses > 0 && !this.#isDestroyAllowed;
      if (!isHeld || !socket.writable || isSystemError(error)) return Reflect.apply(beneath, socket, [error]);
      this.#deferredDestroy ??= () => void Reflect.apply(beneath, socket, [error]);
      return socket;
    };
    Object.defineProperty(socket, 'destroy', { value: destroy, writable: true, configurable: true, enumerable: true });
    this.onClose(() => {
      if (socket.destroy === destroy) restoreProperty(socket, 'destroy', own);
    });
  }
}

/** True for what Node destroys a broken connection with, such as ECONNRESET. */
function isSystemError(error: Error | undefined): boolean {
  return error !== undefined && 'syscall' in error;
}

/** Ends the connection of an answer of which bytes have left, so that the client can tell that it is incomplete. */
export function abortResponse(res: ServerResponse): void {
  const socket: SocketLike | null = res.socket;
  connectionOfResponse(res).allowDestroy();
  const endsWithClose = !res.chunkedEncoding && !res.hasHeader('content-length');
  if (!socket || !endsWithClose || !canReset(socket)) {
    destroyResponse(res);
    return;
  }
  try {
    socket.resetAndDestroy();
  } catch {
    // Only TCP knows a reset. TLS tells a cut from an end by itself.
    res.destroy();
  }
}

/** Destroys the response. One that has no socket to say so says itself that nothing will come of it. */
export function destroyResponse(res: ServerResponse): void {
  const isServed = res.socket === null || res.socket instanceof EventEmitter;
  res.destroy();
  if (isServed) return;
  if (res.listenerCount('error') > 0) res.emit('error', new Error('The answer was cut off.'));
  res.emit('close');
}

function canReset(socket: SocketLike): socket is SocketLike & Pick<Socket, 'resetAndDestroy'> {
  return typeof socket.resetAndDestroy === 'function';
}
