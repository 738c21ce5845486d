// Values as trees of JSON, and back. A value that JSON cannot represent becomes an object whose member `$` names its kind:
//   {"$":"undefined"}  {"$":"date","at":"2026-01-31T00:00:00.000Z"}  {"$":"bigint","digits":"12"}
//   {"$":"number","is":"NaN"}  {"$":"buffer","length":5}  {"$":"bytes","length":5}  {"$":"object","entries":[["$",1]]}
import { types } from 'node:util';

/** The value cannot be kept and come back as it was. `message` says why. */
export class UnencodableValueError extends Error {}

/** The bytes are not what `encodeValue` of this version writes. `message` says why, and shows none of the bytes. */
export class UndecodableValueError extends Error {}

/** The state of one encoding. */
interface Encoding {
  readonly sorted: boolean;
  /** The bytes that follow the JSON. */
  readonly raw: Uint8Array[];
}

export function toTree(value: unknown, encoding: Encoding): unknown {
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
 * The number of prototypes above the value. A subclass adds one. They are counted instead of compared, because objects of another realm
 * (a vm, some test runners) have other prototypes.
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

/** Sorts before it encodes, because the bytes of Buffers follow the JSON in the order of the encoding. */
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

/** Whether JSON can represent the number. */
function isPlainNumber(value: number): boolean {
  return Number.isFinite(value) && !Object.is(value, -0);
}

/** The bytes after the JSON, read in order. */
interface ByteReader {
  readonly raw: Buffer;
  /** How many of them have been read. */
  used: number;
}

export function fromTree(tree: unknown, source: ByteReader): unknown {
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

/** The value of the one member that the tag has besides its kind. */
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

/** A view of the recorded bytes. The caller copies it. */
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
