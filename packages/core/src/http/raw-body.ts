// Keeps the source bytes of a request's body beside the parsed body.
import { isUint8Array } from 'node:util/types';

/** All copies of this package in a process share it: the body parser may use the function of another copy. */
const rawBodySymbol = Symbol.for('onceguard.rawBody');

/**
 * Keeps the body's source for the comparison of repeats. Numbers are then compared as they were sent, not as JavaScript reads them. Pass
 * it to a body parser that has a `verify` option. The bytes, after content decoding, are kept by reference as long as the request, under
 * a symbol that no serialiser shows.
 *
 * @example
 * app.use(express.json({ verify: keepRawBody }));
 */
export function keepRawBody(request: object, _response: unknown, bytes: Uint8Array): void {
  Object.defineProperty(request, rawBodySymbol, { value: bytes, configurable: true });
}

/** The bytes that `keepRawBody` kept for this request. */
export function rawBodyOf(request: object): Uint8Array | undefined {
  const bytes: unknown = Reflect.get(request, rawBodySymbol);
  return isUint8Array(bytes) ? bytes : undefined;
}
