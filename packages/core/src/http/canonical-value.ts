// What a JSON or form parser made of a body, as the JSON text that it stands for.
import { canonicalJson } from './canonical-json.js';

/**
 * The canonical form (`canonicalJson`) of a value made of plain objects, arrays, strings, numbers, booleans and null; members that
 * are `undefined` are left out. Numbers are what JavaScript made of them. Null for anything else (class instances, Map, Date,
 * bytes, functions, NaN, a cycle), whose content cannot be known from outside. Any depth.
 */
export function canonicalValue(value: unknown): Buffer | null {
  const text = isOrdinary(value, 0) ? JSON.stringify(value) : jsonText(value);
  return text === null ? null : canonicalJson(Buffer.from(text));
}

/** Beyond this depth `JSON.stringify` could overflow the stack. */
const ordinaryDepth = 200;

/** Whether `JSON.stringify` writes this value as `jsonText` would. */
function isOrdinary(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0);
    case 'object':
      if (value === null) return true;
      if (depth === ordinaryDepth) return false;
      if (Array.isArray(value)) return areOrdinaryItems(value, depth + 1);
      return isPlainObject(value) && areOrdinaryMembers(value, depth + 1);
    default:
      return false;
  }
}

function areOrdinaryItems(items: readonly unknown[], depth: number): boolean {
  for (let index = 0; index < items.length; index += 1) if (!isOrdinary(items[index], depth)) return false;
  return true;
}

function areOrdinaryMembers(object: Readonly<Record<string, unknown>>, depth: number): boolean {
  for (const name of Object.keys(object)) {
    const member = object[name];
    if (member !== undefined && !isOrdinary(member, depth)) return false;
  }
  return true;
}

/** An array or object that is being written. */
interface Frame {
  readonly container: object;
  /** The names of an object's members. Null: an array. */
  readonly names: readonly string[] | null;
  readonly values: readonly unknown[];
  next: number;
}

/** The JSON text of the value at any depth, or null if there is none. */
function jsonText(value: unknown): string | null {
  const open: Frame[] = [];
  const inside = new Set<object>();
  let text = '';
  let item = value;
  for (;;) {
    const spelled = scalar(item);
    if (spelled === null) {
      const frame = enter(item);
      if (frame === null || inside.has(frame.container)) return null;
      inside.add(frame.container);
      open.push(frame);
      text += frame.names === null ? '[' : '{';
    } else {
      text += spelled;
    }
    let frame = open.at(-1);
    for (; frame !== undefined && frame.next === frame.values.length; frame = open.at(-1)) {
      text += frame.names === null ? ']' : '}';
      inside.delete(frame.container);
      open.pop();
    }
    if (frame === undefined) return text;
    if (frame.next > 0) text += ',';
    if (frame.names !== null) text += `${JSON.stringify(frame.names[frame.next])}:`;
    item = frame.values[frame.next];
    frame.next += 1;
  }
}

function scalar(value: unknown): string | null {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') return spelledNumber(value);
  return typeof value === 'boolean' || value === null ? String(value) : null;
}

/** What `JSON.parse` reads as this number. NaN comes from no JSON text, and leads to null. */
function spelledNumber(value: number): string {
  if (Object.is(value, -0)) return '-0';
  return Number.isFinite(value) ? String(value) : String(value).replace('Infinity', '1e999');
}

function enter(value: unknown): Frame | null {
  if (Array.isArray(value)) return { container: value, names: null, values: value, next: 0 };
  if (!isPlainObject(value)) return null;
  const names = Object.keys(value).filter((name) => value[name] !== undefined);
  return { container: value, names, values: names.map((name) => value[name]), next: 0 };
}

/** Made by `{}` or `Object.create(null)`, in this realm or another: its prototype, if any, is the root of a chain. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
