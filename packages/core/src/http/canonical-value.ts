// One spelling for what a JSON or form parser made of a body, however its members are ordered.

/** An array or object that is being written. */
interface Frame {
  readonly container: object;
  /** The names of an object's members, in their order. Null: an array. */
  readonly names: readonly string[] | null;
  readonly values: readonly unknown[];
  next: number;
}

/**
 * The canonical form of a value made of plain objects, arrays, strings, numbers, booleans and null: members sorted,
 * those that are `undefined` left out. Numbers are what JavaScript made of them. Null for anything else (class
 * instances, Map, Date, bytes, functions, a cycle), whose content cannot be known from outside. Any depth.
 */
export function canonicalValue(value: unknown): string | null {
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
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  return typeof value === 'boolean' || value === null ? String(value) : null;
}

function enter(value: unknown): Frame | null {
  if (Array.isArray(value)) return { container: value, names: null, values: value, next: 0 };
  if (!isPlainObject(value)) return null;
  const names = Object.keys(value).filter((name) => value[name] !== undefined);
  names.sort();
  return { container: value, names, values: names.map((name) => value[name]), next: 0 };
}

/** Made by `{}` or `Object.create(null)`, in this realm or another: its prototype, if any, is the root of a chain. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
