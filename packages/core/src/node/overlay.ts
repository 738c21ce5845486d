// Own properties laid over an object for a while, and afterwards put back by descriptor.
import type { ServerResponse } from 'node:http';

export interface Overlay {
  /** Lays an ordinary property over `name`: others may assign to it, as they patch `res.end`. */
  value(name: string, value: unknown): void;
  /** Has this done when the cover is lifted. */
  atEnd(undo: () => void): void;
  /** Puts everything back, the last first: what stood there before. Works once. */
  lift(): void;
}

export function overlay(target: ServerResponse): Overlay {
  const restore: (() => void)[] = [];
  asTable(target);

  return {
    value(name, value) {
      restore.push(putBack(target, name));
      Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: true });
    },
    atEnd: (undo) => void restore.push(undo),
    lift() {
      for (const putBackOne of restore.splice(0).reverse()) putBackOne();
    },
  };
}

/**
 * Has V8 keep the response as a table of properties, which it does with an object that one was deleted from. Otherwise each of
 * the ten that are laid over it copies the whole shape of an object whose prototype Express has exchanged.
 */
function asTable(res: ServerResponse): void {
  const { socket } = insidesOf(res);
  Reflect.deleteProperty(res, 'socket');
  insidesOf(res).socket = socket;
}

/** A response with what Node's own methods keep on it and its types do not tell. */
export interface Insides {
  /** The text of the head once it is written. */
  _header: unknown;
  /** `end` was called. */
  finished: boolean;
  destroyed: boolean;
  socket: unknown;
}

export function insidesOf(res: ServerResponse): Insides {
  return res as unknown as Insides;
}

/** How to make the own property `name` what it is now, absence included. */
export function putBack(target: object, name: string): () => void {
  const own = Object.getOwnPropertyDescriptor(target, name);
  return () => {
    if (own) Object.defineProperty(target, name, own);
    else Reflect.deleteProperty(target, name);
  };
}
