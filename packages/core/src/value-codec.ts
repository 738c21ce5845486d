// Encodes the results and inputs of functions as bytes: JSON with tags for the values that JSON would silently change.
//
// `value-tree.ts` has the tags. The bytes of Buffers and Uint8Arrays follow the JSON unchanged, in its order. A head precedes the JSON then:
//   1 byte 0x01 | 4 bytes: length of the JSON, most significant first | the JSON | the bytes
import { isUtf8 } from 'node:buffer';
import { fromTree, toTree, UndecodableValueError, UnencodableValueError } from './value-tree.js';

export { UndecodableValueError, UnencodableValueError } from './value-tree.js';

/** No JSON begins with this byte. */
const frameMark = 0x01;
const frameHeadBytes = 5;

/**
 * Encodes null, booleans, numbers (also NaN, infinities and -0), bigint, strings, undefined, valid Dates, Buffers, Uint8Arrays, and arrays
 * and plain objects of these, at any depth. Throws an `UnencodableValueError` for everything else: class instances, Map, functions,
 * arrays with holes, a cycle. Of a plain object the own enumerable members with a string name are encoded; it is decoded with the usual
 * prototype. `sorted` orders members, so that equal payloads have equal bytes.
 */
export function encodeValue(value: unknown, { sorted = false } = {}): Buffer {
  try {
    const raw: Uint8Array[] = [];
    const json = Buffer.from(JSON.stringify(toTree(value, { sorted, raw })));
    return raw.length === 0 ? json : withFrame(json, raw);
  } catch (error) {
    if (error instanceof RangeError) throw new UnencodableValueError('it is circular, nested too deep or too large');
    throw error;
  }
}

/** The value that `encodeValue` encoded. Throws an `UndecodableValueError` for all other bytes; it never guesses. */
export function decodeValue(bytes: Uint8Array): unknown {
  const { json, raw } = splitFrame(bytes);
  const source = { raw, used: 0 };
  try {
    const value = fromTree(JSON.parse(json), source);
    if (source.used === raw.byteLength) return value;
  } catch (error) {
    if (error instanceof UndecodableValueError) throw error;
    throw new UndecodableValueError(
      error instanceof RangeError ? 'it is nested too deep or too large' : 'it is no JSON',
    );
  }
  throw new UndecodableValueError('bytes follow that belong to nothing');
}

function withFrame(json: Buffer, raw: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(frameHeadBytes);
  head.writeUInt8(frameMark, 0);
  head.writeUInt32BE(json.byteLength, 1);
  return Buffer.concat([head, json, ...raw]);
}

function splitFrame(bytes: Uint8Array): { json: string; raw: Buffer } {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (whole[0] !== frameMark) return { json: decodeUtf8(whole), raw: whole.subarray(whole.byteLength) };
  if (whole.byteLength < frameHeadBytes) throw new UndecodableValueError('its head is cut off');
  const end = frameHeadBytes + whole.readUInt32BE(1);
  if (end > whole.byteLength) throw new UndecodableValueError('it is cut off');
  return { json: decodeUtf8(whole.subarray(frameHeadBytes, end)), raw: whole.subarray(end) };
}

function decodeUtf8(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new UndecodableValueError('it is no UTF-8');
  return bytes.toString('utf8');
}
