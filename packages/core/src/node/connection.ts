// What captured responses of one connection share: the news that it closed, and destroying it being put off.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { putBack } from './overlay.js';

/**
 * Between the end of an answer and its leaving, application code may destroy the socket: Express' final handler does
 * when an error arrives after the head was written. The client would get nothing although the work is done. So a
 * destroy is put off while an answer is held, and happens when the last one has left. One that comes because the client
 * has gone goes through, for there is nothing left to wait for.
 *
 * Requests may be pipelined, so one connection can have several answers held.
 */
export interface Connection {
  /** Calls back once when the connection closes. Returns how to unsubscribe. */
  onClose(listener: () => void): () => void;
  postpone(): Hold;
  /** From here on destroying works, whatever is held: what is behind a broken answer can never leave. */
  allowDestroy(): void;
}

export interface Hold {
  /** The answer is being sent: destroying works again, what was put off waits for the rest of the answer. */
  leaving(): void;
  /** The answer has left, or never will. */
  done(): void;
}

const connections = new WeakMap<Socket, Connection>();

export function connectionOf(socket: Socket): Connection {
  const known = connections.get(socket);
  if (known) return known;
  const connection = { onClose: closeNews(socket), ...postponement(socket) };
  connections.set(socket, connection);
  return connection;
}

/** One listener for all, or ten pipelined requests would be reported as a leak. */
function closeNews(socket: Socket): Connection['onClose'] {
  const listeners = new Set<() => void>();
  socket.once('close', () => {
    for (const listener of listeners) listener();
    listeners.clear();
  });
  return (listener) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };
}

function postponement(socket: Socket): Pick<Connection, 'postpone' | 'allowDestroy'> {
  let isAllowed = false;
  let held = 0;
  let unsent = 0;
  let putOff: (() => void) | undefined;
  let uncover: (() => void) | undefined;

  function cover(): void {
    const beneath = socket.destroy;
    const restore = putBack(socket, 'destroy');
    // Whoever kept this function calls it later as well; then it only hands on.
    const destroy: Socket['destroy'] = (error) => {
      if (held === 0 || isAllowed || !socket.writable || isOfTheSystem(error)) return beneath.call(socket, error);
      putOff ??= () => beneath.call(socket, error);
      return socket;
    };
    Object.defineProperty(socket, 'destroy', { value: destroy, writable: true, configurable: true, enumerable: true });
    uncover = () => {
      if (socket.destroy === destroy) restore();
      uncover = undefined;
    };
  }

  function allowDestroy(): void {
    isAllowed = true;
  }

  function postpone(): Hold {
    let isHeld = true;
    let isUnsent = true;
    held += 1;
    unsent += 1;
    if (!uncover) cover();

    function leaving(): void {
      if (isHeld) held -= 1;
      isHeld = false;
    }
    function done(): void {
      leaving();
      if (!isUnsent) return;
      isUnsent = false;
      unsent -= 1;
      if (unsent > 0) return;
      uncover?.();
      putOff?.();
      putOff = undefined;
    }
    return { leaving, done };
  }
  return { postpone, allowDestroy };
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
