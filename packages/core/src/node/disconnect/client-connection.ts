// What the captured responses of one connection share: they learn that it closed, and defer that it is destroyed.
import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { HiddenProperty } from '../../hidden-property.js';
import { http2StreamOf } from '../http2/http2-stream.js';
import { restoreProperty } from '../intercept/property-overrides.js';

/**
 * Without Node's own server, anything may take the place of a socket: a plain object, a stream, nothing. So each property is
 * optional.
 */
type SocketLike = Partial<Socket>;

const connections = new HiddenProperty<ClientConnection>(Symbol('onceguard.connection'));

/** The connection of a request. A pipelined request has it before its response does. */
export function connectionOf(message: { readonly socket?: IncomingMessage['socket'] | null }): ClientConnection {
  // Over HTTP/2 many streams share a socket, and each stream closes by itself.
  const socket: object | null | undefined = http2StreamOf(message) ?? message.socket;
  if (typeof socket !== 'object' || socket === null) return new ClientConnection({});
  const known = connections.get(socket);
  if (known) return known;
  const connection = new ClientConnection(socket as SocketLike);
  connections.set(socket, connection);
  return connection;
}

/** A wrapper without Node's server may create a response without a request, or with an incomplete one. */
export function connectionOfResponse(res: ServerResponse): ClientConnection {
  const req: Partial<IncomingMessage> | undefined = res.req;
  return connectionOf(req?.socket ? req : res);
}

/**
 * Between the end of a response and its sending, application code may destroy the socket. Express' final handler does it when
 * an error arrives after the head was written. The client would get nothing although the work is done. So a destroy is
 * deferred while a response is held, until the last held response was sent. A destroy because of a disconnect is not
 * deferred: there is nothing left to wait for.
 *
 * Requests may be pipelined, so one connection can have several held responses.
 */
export class ClientConnection {
  /** The socket, if it emits events. */
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
    // This listener runs before Node's own, the next one after it.
    socket.prependOnceListener('close', () => {
      this.#isClosing = true;
    });
    // One listener for all requests: Node would report ten pipelined requests with one each as a leak.
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

  /** True if nothing more can be sent. */
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
   * From version 24 on, Node destroys the pipelined responses that still wait for the socket when the connection closes. True
   * for the error of that destroy, which does not come from the handler.
   */
  isClosingError(error: Error | undefined): boolean {
    return this.#isClosing && isConnectionReset(error);
  }

  /** Ends the deferral, whatever is held: the responses behind an aborted one can never be sent. */
  allowDestroy(): void {
    this.#isDestroyAllowed = true;
  }

  /** A response is held: a destroy is deferred. Must be followed by `responseSending` and `responseSent`, once each. */
  responseHeld(): void {
    this.#heldResponses += 1;
    this.#unsentResponses += 1;
    if (!this.#isDestroyOverridden) this.#overrideDestroy(this.#socket.destroy);
  }

  /** The response is being sent: a new destroy takes effect at once, a deferred one waits for the rest of the response. */
  responseSending(): void {
    this.#heldResponses -= 1;
  }

  /** The response was sent, or never will be. */
  responseSent(): void {
    this.#unsentResponses -= 1;
    if (this.#unsentResponses > 0) return;
    this.#deferredDestroy?.();
    this.#deferredDestroy = undefined;
  }

  /**
   * Overrides the method until the connection closes. Doing it for each response would cost more than everything else in this
   * file.
   */
  #overrideDestroy(original: Socket['destroy'] | undefined): void {
    // A socket that emits no 'close' could never be restored.
    if (!original || !this.emitter) return;
    this.#isDestroyOverridden = true;
    const socket = this.#socket;
    const own = Object.getOwnPropertyDescriptor(socket, 'destroy');
    // Code that has kept this function may call it after the restore. Then it only calls the original.
    const destroy = (error?: Error): unknown => {
      const isHeld = this.#heldResponses > 0 && !this.#isDestroyAllowed;
      if (!isHeld || !socket.writable || isSystemError(error)) return Reflect.apply(original, socket, [error]);
      this.#deferredDestroy ??= () => void Reflect.apply(original, socket, [error]);
      return socket;
    };
    Object.defineProperty(socket, 'destroy', { value: destroy, writable: true, configurable: true, enumerable: true });
    this.onClose(() => {
      if (socket.destroy === destroy) restoreProperty(socket, 'destroy', own);
    });
  }
}

/** True for the error with which Node destroys the requests and responses of a closed connection. */
export function isConnectionReset(error: Error | undefined): boolean {
  return error !== undefined && 'code' in error && error.code === 'ECONNRESET';
}

/** True for the errors with which Node destroys a broken connection, such as ECONNRESET. */
function isSystemError(error: Error | undefined): boolean {
  return error !== undefined && 'syscall' in error;
}

/** Closes the connection of a partly sent response, so that the client can tell that the response is incomplete. */
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
    // Only TCP has a reset. TLS itself distinguishes an abort from an end.
    res.destroy();
  }
}

/** Destroys the response. Emits 'error' and 'close' itself where no socket does. */
export function destroyResponse(res: ServerResponse): void {
  const emitsClose = res.socket === null || res.socket instanceof EventEmitter;
  res.destroy();
  if (emitsClose) return;
  if (res.listenerCount('error') > 0) res.emit('error', new Error('The response was aborted.'));
  res.emit('close');
}

function canReset(socket: SocketLike): socket is SocketLike & Pick<Socket, 'resetAndDestroy'> {
  return typeof socket.resetAndDestroy === 'function';
}
