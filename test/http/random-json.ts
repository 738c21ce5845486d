// Random JSON documents, the many ways to spell one, and the smallest ways to change one. Seeded: a failure repeats.

/** A number is its source text, which is what the tests are about. */
export class JsonNumber {
  constructor(readonly source: string) {}
}

export type Json = null | boolean | string | JsonNumber | readonly Json[] | { readonly [name: string]: Json };

export type Random = (below: number) => number;

export function jsonNumber(source: string): JsonNumber {
  return new JsonNumber(source);
}

/** mulberry32: whole numbers from 0 to `below` - 1. */
export function randomOf(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const characters = [
  'a',
  'b',
  'Z',
  '"',
  '\\',
  '/',
  ' ',
  ',',
  ':',
  '{',
  ']',
  '\n',
  '\u0001',
  '\u00e9',
  '\u2028',
  '\u{1f600}',
];
const numbers = [
  '0',
  '-0',
  '1',
  '1.0',
  '-1.5e+3',
  '9007199254740993',
  '123456789012345678901234567890',
  '1E400',
  '0.10',
];

export function randomJson(random: Random, depth: number): Json {
  const kind = random(depth === 0 ? 4 : 7);
  if (kind === 0) return null;
  if (kind === 1) return random(2) === 0;
  if (kind === 2) return jsonNumber(numbers[random(numbers.length)] ?? '0');
  if (kind === 3) return randomText(random);
  const children = Array.from({ length: random(5) }, () => randomJson(random, depth - 1));
  return kind === 4
    ? children
    : Object.fromEntries(children.map((child, index) => [randomText(random) + index, child]));
}

function randomText(random: Random): string {
  return Array.from({ length: random(6) }, () => characters[random(characters.length)]).join('');
}

/** One of the many texts of this document: members in any order, whitespace and escapes anywhere. */
export function spell(document: Json, random: Random): string {
  const gap = (): string => [' ', '\t', '\r\n', '', '', ''][random(6)] ?? '';
  const around = (text: string): string => gap() + text + gap();
  if (document === null || typeof document === 'boolean') return around(String(document));
  if (typeof document === 'string') return around(spellText(document, random));
  if (document instanceof JsonNumber) return around(document.source);
  if (isArray(document)) return around(`[${gap()}${document.map((item) => spell(item, random)).join(',')}]`);
  const members = shuffled(Object.entries(document), random).map(
    ([name, value]) => `${around(spellText(name, random))}:${spell(value, random)}`,
  );
  return around(`{${gap()}${members.join(',')}}`);
}

function spellText(text: string, random: Random): string {
  const units = text.split('').map((unit) => {
    if (random(3) > 0) return JSON.stringify(unit).slice(1, -1);
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return `"${units.join('')}"`;
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, place: random(1_000_000) }))
    .sort((one, other) => one.place - other.place)
    .map(({ item }) => item);
}

/** Leaves are scalars and empty containers. */
export function leafCount(document: Json): number {
  const children = childrenOf(document);
  return children.length === 0 ? 1 : children.reduce((count, child) => count + leafCount(child), 0);
}

/** The document with its leaf of this number (in order) replaced by the nearest thing that is not the same. */
export function withOtherLeaf(document: Json, leaf: number): Json {
  const children = childrenOf(document);
  if (children.length === 0) return otherLeaf(document);
  let before = 0;
  const changed = children.map((child) => {
    const own = leaf - before;
    before += leafCount(child);
    return own >= 0 && own < leafCount(child) ? withOtherLeaf(child, own) : child;
  });
  if (isArray(document)) return changed;
  const names = typeof document === 'object' && document !== null ? Object.keys(document) : [];
  return Object.fromEntries(names.map((name, index) => [name, changed[index] ?? null]));
}

function otherLeaf(leaf: Json): Json {
  if (leaf === null) return 'null';
  if (typeof leaf === 'boolean') return !leaf;
  if (typeof leaf === 'string') return `${leaf} `;
  if (leaf instanceof JsonNumber) return jsonNumber(leaf.source.replace(/\d/, (digit) => (digit === '9' ? '8' : '9')));
  return isArray(leaf) ? {} : [];
}

function childrenOf(document: Json): readonly Json[] {
  if (document === null || typeof document !== 'object' || document instanceof JsonNumber) return [];
  return isArray(document) ? document : Object.values(document);
}

function isArray(document: Json): document is readonly Json[] {
  return Array.isArray(document);
}
