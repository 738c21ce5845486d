// What captured responses of one connection share: the news that it closed, and destroying it being put off.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { putBack } from './overlay.js';

const connections = new WeakMap<Socket, Connection>();

export function connectionOf(socket: Socket): Connection {
  const known = connections.get(socket);
  if (known) return known;
  const connection = new Connection(socket);
  connections.set(socket, connection);
  return connection;
}

/**
 * Between the end of an answer and its leaving, application code may destroy the socket: Express' final handler does
 * when an error arrives after the head was written. The client would get nothing although the work is done. So a
 * destroy is put off while an answer is held, and happens when the last one has left. One that comes because the client
 * has gone goes through, for there is nothing left to wait for.
 *
 * Requests may be pipelined, so one connection can have several answers held.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #listeners = new Set<() => void>();
  #isCovered = false;
  #isClosing = false;
  #isClosed = false;
  #isDestroyAllowed = false;
  #held = 0;
  #unsent = 0;
  #putOff: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
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
    return this.#isClosed || this.#socket.closed;
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
  isDropping(error: Error | undefined): boolean {
    return this.#isClosing && error !== undefined && 'code' in error && error.code === 'ECONNRESET';
  }

  /** From here on destroying works, whatever is held: what is behind a broken answer can never leave. */
  allowDestroy(): void {
    this.#isDestroyAllowed = true;
  }

  /** An answer is held: destroying is put off. To be followed by `leaving` and `left`, once each. */
  hold(): void {
    this.#held += 1;
    this.#unsent += 1;
    if (!this.#isCovered) this.#cover();
  }

  /** The answer is being sent: destroying works again, what was put off waits for the rest of the answer. */
  leaving(): void {
    this.#held -= 1;
  }

  /** The answer has left, or never will. */
  left(): void {
    this.#unsent -= 1;
    if (this.#unsent > 0) return;
    this.#putOff?.();
    this.#putOff = undefined;
  }

  /** Stays as long as the connection: to cover and uncover it with each answer would cost more than all else here. */
  #cover(): void {
    this.#isCovered = true;
    const socket = this.#socket;
    const own = Object.getOwnPropertyDescriptor(socket, 'destroy');
    const beneath = socket.destroy;
    // Whoever kept this function calls it later as well; then it only hands on.
    const destroy: Socket['destroy'] = (error) => {
      const isHeld = this.#held > 0 && !this.#isDestroyAllowed;
      if (!isHeld || !socket.writable || isOfTheSystem(error)) return beneath.call(socket, error);
      this.#putOff ??= () => beneath.call(socket, error);
      return socket;
    };
    Object.defineProperty(socket, 'destroy', { value: destroy, writable: true, configurable: true, enumerable: true });
    this.onClose(() => {
      if (socket.destroy === destroy) putBack(socket, 'destroy', own);
    });
  }
}

/** True for what Node destroys a broken connection with, such as ECONNRESET. */
function isOfTheSystem(error: Error | undefined): boolean {
  return error !== undefined && 'syscall' in error;
}

/** Ends the connection of an answer of which bytes have left, so that the client can tell that it is incomplete. */
export function cutOff(res: ServerResponse): void {
  const { socket } = res;
  connectionOf(res.req.socket).allowDestroy();
  const endsWithClose = !res.chunkedEncoding && !res.hasHeader('content-length');
  if (!socket || !endsWithClose) {
    res.destroy();
    return;
  }
  try {
    socket.resetAndDestroy();
  } catch {
    // Only TCP knows a reset. TLS tells a cut from an end by itself.
    res.destroy();
  }
}
