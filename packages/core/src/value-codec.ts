// The results and inputs of functions as bytes: JSON, and a tag for what JSON would silently change.
//
// A value that JSON cannot say stands as an object whose member `$` names its kind:
//   {"$":"undefined"}  {"$":"date","at":"2026-01-31T00:00:00.000Z"}  {"$":"bigint","digits":"12"}
//   {"$":"number","is":"NaN"}  {"$":"buffer","length":5}  {"$":"bytes","length":5}  {"$":"object","entries":[["$",1]]}
//
// Where there are Buffers or Uint8Arrays, their bytes follow the JSON as they are, in its order, and a head stands before it:
//   1 byte 0x01 | 4 bytes: length of the JSON, most significant first | the JSON | the bytes
import { isUtf8 } from 'node:buffer';
import { types } from 'node:util';

/** The value cannot be kept and come back as it was; `message` says why. */
export class UnencodableValueError extends Error {}

/** The bytes are not what `encodeValue` of this version makes; `message` says why, without any of them. */
export class UndecodableValueError extends Error {}

/** What no JSON begins with. */
const frameMark = 0x01;
const frameHeadBytes = 5;

/**
 * Encodes null, booleans, numbers (NaN, infinities and -0 too), bigint, strings, undefined, valid Dates, Buffers,
 * Uint8Arrays, arrays and plain objects of these, at any place. Throws `UnencodableValue` for anything else: class
 * instances, Map, functions, arrays with holes, a cycle. A plain object is its own enumerable members with a name; it
 * comes back with the usual prototype. `sorted` orders members, so that equal payloads have equal bytes.
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

/** The value that `encodeValue` was given. Throws `UndecodableValue` for other bytes; it never guesses. */
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
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (all[0] !== frameMark) return { json: decodeUtf8(all), raw: all.subarray(all.byteLength) };
  if (all.byteLength < frameHeadBytes) throw new UndecodableValueError('its head is cut off');
  const end = frameHeadBytes + all.readUInt32BE(1);
  if (end > all.byteLength) throw new UndecodableValueError('it is cut off');
  return { json: decodeUtf8(all.subarray(frameHeadBytes, end)), raw: all.subarray(end) };
}

function decodeUtf8(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new UndecodableValueError('it is no UTF-8');
  return bytes.toString('utf8');
}

interface Encoding {
  readonly sorted: boolean;
  /** What is to follow the JSON. */
  readonly raw: Uint8Array[];
}

function toTree(value: unknown, encoding: Encoding): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'undefined':
      return { $: 'undefined' };
    case 'bigint':
      return { $: 'bigint', digits: String(value) };
    case 'number':
      return isPlainNumber(value) ? value : { $: 'number', is: specialNumberName(value) };
    case 'object':
      return value === null ? null : objectToTree(value, encoding);
    default:
      throw new UnencodableValueError(`it contains a ${typeof value}`);
  }
}

function objectToTree(value: object, encoding: Encoding): unknown {
  if (Buffer.isBuffer(value)) return bytesToTree('buffer', value, encoding);
  const ancestors = prototypeDepth(value);
  if (Array.isArray(value) && ancestors === 2) return arrayToTree(value, encoding);
  if (types.isUint8Array(value) && ancestors === 3) return bytesToTree('bytes', value, encoding);
  if (types.isDate(value) && ancestors === 2) {
    if (Number.isNaN(value.getTime())) throw new UnencodableValueError('it contains an invalid Date');
    return { $: 'date', at: value.toISOString() };
  }
  if (ancestors > 1)
    throw new UnencodableValueError(`it contains an instance of ${value.constructor?.name || 'a class'}`);
  return plainToTree(value, encoding);
}

function bytesToTree(kind: 'buffer' | 'bytes', value: Uint8Array, { raw }: Encoding): unknown {
  raw.push(value);
  return { $: kind, length: value.byteLength };
}

/**
 * How many prototypes stand above it: a subclass adds one. They are counted, not compared, because objects from another
 * realm (a vm, some test runners) have prototypes of their own.
 */
function prototypeDepth(value: object): number {
  let count = 0;
  for (let at: unknown = Object.getPrototypeOf(value); at !== null; at = Object.getPrototypeOf(at)) count += 1;
  return count;
}

function arrayToTree(value: readonly unknown[], encoding: Encoding): unknown {
  if (Object.keys(value).length !== value.length) {
    throw new UnencodableValueError('it contains an array with holes, or with members besides its items');
  }
  return value.map((item) => toTree(item, encoding));
}

/** Sorted first: the bytes of Buffers follow in the order in which they are met. */
function plainToTree(value: object, encoding: Encoding): unknown {
  const members = Object.entries(value);
  if (encoding.sorted) members.sort(([a], [b]) => (a < b ? -1 : 1));
  const entries = members.map(([name, member]) => [name, toTree(member, encoding)] as const);
  return Object.hasOwn(value, '$') ? { $: 'object', entries } : Object.fromEntries(entries);
}

const specialNumbers: ReadonlyMap<unknown, number> = new Map(
  [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0].map((value) => [
    specialNumberName(value),
    value,
  ]),
);

function specialNumberName(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Whether JSON can say it. */
function isPlainNumber(value: number): boolean {
  return Number.isFinite(value) && !Object.is(value, -0);
}

interface ByteReader {
  /** What follows the JSON. */
  readonly raw: Buffer;
  /** How much of it has been taken. */
  used: number;
}

function fromTree(tree: unknown, source: ByteReader): unknown {
  if (typeof tree === 'number' && !isPlainNumber(tree))
    throw new UndecodableValueError('it contains a number out of range');
  if (typeof tree !== 'object' || tree === null) return tree;
  if (Array.isArray(tree)) return tree.map((item) => fromTree(item, source));
  if ('$' in tree) return fromTag(tree, source);
  return Object.fromEntries(Object.entries(tree).map(([name, member]) => [name, fromTree(member, source)]));
}

type Tag = Record<'$', unknown> & { [member: string]: unknown };

function fromTag(tag: Tag, source: ByteReader): unknown {
  switch (tag.$) {
    case 'undefined':
      assertMembers(tag);
      return undefined;
    case 'date':
      return dateFrom(onlyMember(tag, 'at'));
    case 'bigint':
      return bigintFrom(onlyMember(tag, 'digits'));
    case 'number':
      return numberFrom(onlyMember(tag, 'is'));
    case 'buffer':
      return Buffer.from(readBytes(onlyMember(tag, 'length'), source));
    case 'bytes':
      return new Uint8Array(readBytes(onlyMember(tag, 'length'), source));
    case 'object':
      return objectFrom(onlyMember(tag, 'entries'), source);
    default:
      throw new UndecodableValueError(`its kind ${JSON.stringify(tag.$)} is not known to this version`);
  }
}

/** The value of the one member that the tag has beside its kind. */
function onlyMember(tag: Tag, name: string): unknown {
  assertMembers(tag, name);
  return tag[name];
}

function assertMembers(tag: Tag, ...names: readonly string[]): void {
  const members = Object.keys(tag).filter((member) => member !== '$');
  if (members.length === names.length && members.every((member) => names.includes(member))) return;
  throw new UndecodableValueError(`its kind ${JSON.stringify(tag.$)} has not the members that it should have`);
}

function dateFrom(at: unknown): Date {
  const date = new Date(typeof at === 'string' ? at : Number.NaN);
  if (Number.isNaN(date.getTime()) || date.toISOString() !== at)
    throw new UndecodableValueError('it contains an invalid date');
  return date;
}

function bigintFrom(digits: unknown): bigint {
  if (typeof digits === 'string' && /^(0|-?[1-9]\d*)$/.test(digits)) return BigInt(digits);
  throw new UndecodableValueError('it contains an invalid bigint');
}

function numberFrom(is: unknown): number {
  const number = specialNumbers.get(is);
  if (number === undefined) throw new UndecodableValueError('it contains an invalid number');
  return number;
}

/** A view of the recorded bytes: to be copied. */
function readBytes(length: unknown, source: ByteReader): Buffer {
  const left = source.raw.byteLength - source.used;
  if (typeof length !== 'number' || !Number.isInteger(length) || length < 0 || length > left) {
    throw new UndecodableValueError('it contains fewer bytes than it says');
  }
  source.used += length;
  return source.raw.subarray(source.used - length, source.used);
}

function objectFrom(tree: unknown, source: ByteReader): object {
  const entries = arrayFrom(tree).map((entry) => entryFrom(entry, source));
  if (new Set(entries.map(([name]) => name)).size !== entries.length) {
    throw new UndecodableValueError('it contains an object with two members of one name');
  }
  return Object.fromEntries(entries);
}

function entryFrom(entry: unknown, source: ByteReader): [string, unknown] {
  const [name, member, ...more] = arrayFrom(entry);
  if (typeof name !== 'string' || member === undefined || more.length > 0) {
    throw new UndecodableValueError('it contains a member that is no pair of name and value');
  }
  return [name, fromTree(member, source)];
}

function arrayFrom(tree: unknown): unknown[] {
  if (Array.isArray(tree)) return tree;
  throw new UndecodableValueError('a list is missing in it');
}
