// The results and inputs of functions as bytes: JSON, and a tag for what JSON would silently change.
//
// A value that JSON cannot say stands as an object whose member `$` names its kind:
//   {"$":"undefined"}  {"$":"date","at":"2026-01-31T00:00:00.000Z"}  {"$":"bigint","digits":"12"}
//   {"$":"number","is":"NaN"}  {"$":"buffer","base64":"…"}  {"$":"bytes","base64":"…"}  {"$":"object","entries":[["$",1]]}
import { types } from 'node:util';

/** The value cannot be kept and come back as it was; `message` says why. */
export class UnencodableValue extends Error {}

/**
 * Encodes null, booleans, numbers (NaN, infinities and -0 too), bigint, strings, undefined, valid Dates, Buffers,
 * Uint8Arrays, arrays and plain objects of these, at any place. Throws `UnencodableValue` for anything else: class
 * instances, Map, functions, arrays with holes, a cycle. A plain object is its own enumerable members with a name; it
 * comes back with the usual prototype. `sorted` orders members, so that equal payloads have equal bytes.
 */
export function encodeValue(value: unknown, { sorted = false } = {}): Buffer {
  try {
    return Buffer.from(JSON.stringify(toTree(value, sorted)));
  } catch (error) {
    if (error instanceof RangeError) throw new UnencodableValue('it is circular, nested too deep or too large');
    throw error;
  }
}

/** The value that `encodeValue` was given. */
export function decodeValue(bytes: Uint8Array): unknown {
  return fromTree(JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')));
}

function toTree(value: unknown, sorted: boolean): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'undefined':
      return { $: 'undefined' };
    case 'bigint':
      return { $: 'bigint', digits: String(value) };
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0) ? value : { $: 'number', is: spelled(value) };
    case 'object':
      return value === null ? null : objectToTree(value, sorted);
    default:
      throw new UnencodableValue(`it contains a ${typeof value}`);
  }
}

function objectToTree(value: object, sorted: boolean): unknown {
  if (Buffer.isBuffer(value)) return { $: 'buffer', base64: value.toString('base64') };
  const ancestors = ancestorsOf(value);
  if (Array.isArray(value) && ancestors === 2) return arrayToTree(value, sorted);
  if (types.isUint8Array(value) && ancestors === 3) {
    return { $: 'bytes', base64: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') };
  }
  if (types.isDate(value) && ancestors === 2) {
    if (Number.isNaN(value.getTime())) throw new UnencodableValue('it contains an invalid Date');
    return { $: 'date', at: value.toISOString() };
  }
  if (ancestors > 1) throw new UnencodableValue(`it contains an instance of ${value.constructor?.name || 'a class'}`);
  return plainToTree(value, sorted);
}

/**
 * How many prototypes stand above it: a subclass adds one. They are counted, not compared, because objects from another
 * realm (a vm, some test runners) have prototypes of their own.
 */
function ancestorsOf(value: object): number {
  let count = 0;
  for (let at: unknown = Object.getPrototypeOf(value); at !== null; at = Object.getPrototypeOf(at)) count += 1;
  return count;
}

function arrayToTree(value: readonly unknown[], sorted: boolean): unknown {
  if (Object.keys(value).length !== value.length) {
    throw new UnencodableValue('it contains an array with holes, or with members besides its items');
  }
  return value.map((item) => toTree(item, sorted));
}

function plainToTree(value: object, sorted: boolean): unknown {
  const entries = Object.entries(value).map(([name, member]) => [name, toTree(member, sorted)] as const);
  if (sorted) entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.hasOwn(value, '$') ? { $: 'object', entries } : Object.fromEntries(entries);
}

function spelled(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

function fromTree(tree: unknown): unknown {
  if (typeof tree !== 'object' || tree === null) return tree;
  if (Array.isArray(tree)) return tree.map(fromTree);
  if ('$' in tree) return fromTag(tree);
  return Object.fromEntries(Object.entries(tree).map(([name, member]) => [name, fromTree(member)]));
}

function fromTag(tag: Record<'$', unknown> & { [member: string]: unknown }): unknown {
  switch (tag.$) {
    case 'undefined':
      return undefined;
    case 'date':
      return new Date(String(tag.at));
    case 'bigint':
      return BigInt(String(tag.digits));
    case 'number':
      return Number(tag.is);
    case 'buffer':
      return Buffer.from(String(tag.base64), 'base64');
    case 'bytes':
      return new Uint8Array(Buffer.from(String(tag.base64), 'base64'));
    case 'object':
      return Object.fromEntries(listOf(tag.entries).map(pair));
    default:
      throw new UnencodableValue(`its kind ${JSON.stringify(tag.$)} is not known to this version`);
  }
}

function pair(entry: unknown): [string, unknown] {
  const [name, member] = listOf(entry);
  return [String(name), fromTree(member)];
}

function listOf(tree: unknown): unknown[] {
  if (Array.isArray(tree)) return tree;
  throw new UnencodableValue('a list is missing in it');
}
