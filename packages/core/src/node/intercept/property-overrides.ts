// Own properties laid over an object for a while, and afterwards put back by descriptor.
import type { ServerResponse } from 'node:http';

export class PropertyOverrides {
  readonly #target: object;
  readonly #previous: [name: string, own: PropertyDescriptor | undefined][] = [];

  constructor(target: object) {
    this.#target = target;
  }

  /** Lays an ordinary property over `name`: others may assign to it, as they patch `res.end`. */
  override(name: string, value: unknown): void {
    this.#previous.push([name, Object.getOwnPropertyDescriptor(this.#target, name)]);
    Object.defineProperty(this.#target, name, { value, writable: true, configurable: true, enumerable: true });
  }

  /** Puts everything back, the last first: what stood there before. Works once. */
  restoreAll(): void {
    for (const [name, own] of this.#previous.splice(0).reverse()) restoreProperty(this.#target, name, own);
  }
}

/** A response with what Node's own methods keep on it and its types do not tell. */
export interface ResponseInternals {
  /** The text of the head once it is written. */
  _header: unknown;
  /** `end` was called. */
  finished: boolean;
  destroyed: boolean;
  /** 'close' was emitted. */
  _closed: boolean;
  socket: unknown;
}

export function internalsOf(res: ServerResponse): ResponseInternals {
  return res as unknown as ResponseInternals;
}

/** Makes the own property `name` what it was, absence included. */
export function restoreProperty(target: object, name: string, own: PropertyDescriptor | undefined): void {
  if (own) Object.defineProperty(target, name, own);
  else Reflect.deleteProperty(target, name);
}
