// One spelling for what a JSON or form parser made of a body, however its members are ordered.

/** An array or object that is being written: each of its values with the text that stands before it. */
interface Frame {
  readonly container: object;
  readonly parts: readonly (readonly [before: string, value: unknown])[];
  readonly open: string;
  readonly close: string;
  next: number;
}

/**
 * The canonical form of a value made of plain objects, arrays, strings, numbers, booleans and null: members sorted,
 * those that are `undefined` left out. Numbers are what JavaScript made of them. Null for anything else (class
 * instances, Map, Date, bytes, functions, a cycle), whose content cannot be known from outside. Any depth.
 */
export function canonicalValue(value: unknown): string | null {
  const open: Frame[] = [{ container: {}, parts: [['', value]], open: '', close: '', next: 0 }];
  const inside = new Set<object>();
  let text = '';
  for (let frame = open.at(-1); frame !== undefined; frame = open.at(-1)) {
    const part = frame.parts[frame.next];
    frame.next += 1;
    if (part === undefined) {
      text += frame.close;
      inside.delete(frame.container);
      open.pop();
      continue;
    }
    const [before, item] = part;
    const spelled = scalar(item);
    const child = spelled === null ? enter(item) : null;
    text += before + (spelled ?? child?.open ?? '');
    if (spelled !== null) continue;
    if (child === null || inside.has(child.container)) return null;
    inside.add(child.container);
    open.push(child);
  }
  return text;
}

function scalar(value: unknown): string | null {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  return typeof value === 'boolean' || value === null ? String(value) : null;
}

function enter(value: unknown): Frame | null {
  if (Array.isArray(value)) {
    const parts = Array.from(value, (item: unknown, index) => [index === 0 ? '' : ',', item] as const);
    return { container: value, parts, open: '[', close: ']', next: 0 };
  }
  return isPlainObject(value) ? { container: value, parts: members(value), open: '{', close: '}', next: 0 } : null;
}

function members(object: object): Frame['parts'] {
  return Object.entries(object)
    .filter(([, value]) => value !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value], index) => [`${index === 0 ? '' : ','}${JSON.stringify(name)}:`, value] as const);
}

/** Made by `{}` or `Object.create(null)`, in this realm or another: its prototype, if any, is the root of a chain. */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
