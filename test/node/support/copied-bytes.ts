// Counts the bytes that JavaScript code copies from one buffer or string to another, by every way that it has to copy them.
import { type MockInstance, vi } from 'vitest';

export interface CopyCounter {
  /** Bytes copied so far. */
  readonly bytes: number;
  /** Nothing is counted any more. */
  stop(): void;
}

const typedArray: object = Reflect.getPrototypeOf(Uint8Array.prototype) ?? {};

/** Node's own C++ code and its internal references to these functions are not counted: what counts is who calls them. */
export function countCopiedBytes(): CopyCounter {
  let bytes = 0;
  let isCounting = true;
  const spies: MockInstance[] = [];
  const count = (target: object, name: string, size: (self: unknown, args: readonly unknown[]) => number): void => {
    const original: unknown = Reflect.get(target, name);
    if (typeof original !== 'function') throw new TypeError(`${name} is no function`);
    const spy = vi.spyOn(target as Record<string, (...args: unknown[]) => unknown>, name);
    spy.mockImplementation(function (this: unknown, ...args: unknown[]): unknown {
      if (isCounting) bytes += size(this, args);
      return Reflect.apply(original, this, args);
    });
    spies.push(spy);
  };
  // A view of an ArrayBuffer copies nothing.
  count(Buffer, 'from', (_, [source]) => (source instanceof ArrayBuffer ? 0 : sizeOf(source)));
  count(Buffer, 'copyBytesFrom', (_, [source]) => sizeOf(source));
  count(Buffer, 'concat', (_, [list]) => (Array.isArray(list) ? list.reduce((sum, part) => sum + sizeOf(part), 0) : 0));
  count(Buffer.prototype, 'copy', (self) => sizeOf(self));
  count(Buffer.prototype, 'write', (_, [text]) => sizeOf(text));
  count(Buffer.prototype, 'toString', (self) => sizeOf(self));
  count(typedArray, 'set', (_, [source]) => sizeOf(source));
  count(typedArray, 'slice', (self) => sizeOf(self));
  return {
    get bytes() {
      return bytes;
    },
    stop() {
      isCounting = false;
      for (const spy of spies) spy.mockRestore();
    },
  };
}

function sizeOf(source: unknown): number {
  if (typeof source === 'string') return Buffer.byteLength(source);
  return source instanceof Uint8Array ? source.byteLength : 0;
}
