// Keeps the bytes of a request's body beside what a parser makes of them.
import { isUint8Array } from 'node:util/types';

/** Shared by all copies of this package in a process: the parser may have got its function from another one. */
const rawBodySymbol = Symbol.for('onceguard.rawBody');

/**
 * For `express.json({ verify: keepRawBody })`, `express.urlencoded` and the like: numbers are then compared as they
 * were sent, not as JavaScript reads them. The bytes are kept by reference for as long as the request is, after content
 * coding, under a symbol that no serialiser shows.
 */
export function keepRawBody(request: object, _response: unknown, bytes: Uint8Array): void {
  Object.defineProperty(request, rawBodySymbol, { value: bytes, configurable: true });
}

/** What `keepRawBody` kept of this request. */
export function rawBodyOf(request: object): Uint8Array | undefined {
  const bytes: unknown = Reflect.get(request, rawBodySymbol);
  return isUint8Array(bytes) ? bytes : undefined;
}
