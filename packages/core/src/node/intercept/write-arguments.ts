// The arguments of `write` and `end`: splitting them, and turning a chunk into bytes.
import { isUint8Array } from 'node:util/types';

/** The callback of `write` and `end`. */
export type WriteCallback = (error?: Error | null) => void;

export interface WriteArguments {
  readonly chunk: unknown;
  readonly encoding: unknown;
  readonly callback: WriteCallback | undefined;
}

/** The callback may come first, second or third: the chunk and the encoding are optional. */
export function splitWriteArguments(args: readonly unknown[]): WriteArguments {
  const [first, second, third] = args;
  if (isWriteCallback(first)) return { chunk: undefined, encoding: undefined, callback: first };
  if (isWriteCallback(second)) return { chunk: first, encoding: undefined, callback: second };
  return { chunk: first, encoding: second, callback: isWriteCallback(third) ? third : undefined };
}

/**
 * The bytes of a text in an encoding that Node knows, or a view of these bytes. Undefined for anything else.
 * `isUint8Array` also accepts arrays of another realm, such as jsdom's; `instanceof` would not.
 */
export function chunkToBuffer(chunk: unknown, encoding: unknown): Buffer | undefined {
  if (isUint8Array(chunk)) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (typeof chunk !== 'string') return undefined;
  if (encoding === undefined || encoding === null) return Buffer.from(chunk);
  return typeof encoding === 'string' && Buffer.isEncoding(encoding) ? Buffer.from(chunk, encoding) : undefined;
}

function isWriteCallback(value: unknown): value is WriteCallback {
  return typeof value === 'function';
}
