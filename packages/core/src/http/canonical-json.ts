// One spelling for all spellings of a JSON text: members sorted, whitespace dropped, numbers as they stand.

/**
 * The canonical form of a JSON text, or null if it is none. Members are sorted and whitespace between tokens is
 * dropped; escapes in strings are resolved (`"\u0041"` is `"A"`). Numbers keep their source text, so `1.0` is not `1`,
 * and 9007199254740992 is not 9007199254740993: a retry repeats its text, and a reader with decimals sees a
 * difference that JavaScript does not. Members of one name are all kept, in their order, because parsers differ in
 * which one they take. Any depth; takes the time of sorting.
 */
export function canonicalJson(source: string): string | null {
  if (!isJson(source)) return null;
  const open: Container[] = [];
  let finished = '';
  // The text is valid: from here on a token's first character says all about it.
  for (let at = 0; at < source.length; ) {
    const first = source.charAt(at);
    const end = tokenEnd(source, at, first);
    if (first === '{' || first === '[') open.push(new Container(first));
    else if (!separators.has(first)) {
      const closed = first === '}' || first === ']' ? open.pop() : undefined;
      finished = closed === undefined ? scalar(source.slice(at, end)) : closed.text();
      open.at(-1)?.add(finished);
    }
    at = end;
  }
  return finished;
}

const separators = new Set([' ', '\t', '\n', '\r', ',', ':']);
const punctuation = new Set([...separators, '{', '}', '[', ']']);

function isJson(source: string): boolean {
  try {
    JSON.parse(source);
    return true;
  } catch {
    return false;
  }
}

function tokenEnd(source: string, at: number, first: string): number {
  if (punctuation.has(first)) return at + 1;
  return first === '"' ? stringEnd(source, at) : wordEnd(source, at);
}

const quote = 0x22;
const backslash = 0x5c;

function stringEnd(source: string, from: number): number {
  for (let at = from + 1; ; at += 1) {
    const code = source.charCodeAt(at);
    if (code === quote) return at + 1;
    if (code === backslash) at += 1;
  }
}

/** A number, `true`, `false` or `null`. */
function wordEnd(source: string, from: number): number {
  const word = /[\w.+-]+/y;
  word.lastIndex = from;
  word.test(source);
  return word.lastIndex;
}

/** A string in its one spelling; anything else as it stands. */
function scalar(token: string): string {
  return token.startsWith('"') && token.includes('\\') ? JSON.stringify(JSON.parse(token)) : token;
}

/** An array or object that is being read. Its text grows only by appending, so that depth costs no copies. */
class Container {
  readonly #bracket: '{' | '[';
  readonly #members: (readonly [name: string, value: string])[] = [];
  #name: string | null = null;
  #items = '';

  constructor(bracket: '{' | '[') {
    this.#bracket = bracket;
  }

  add(text: string): void {
    if (this.#bracket === '[') this.#items += this.#items === '' ? text : `,${text}`;
    else if (this.#name === null) this.#name = text;
    else {
      this.#members.push([this.#name, text]);
      this.#name = null;
    }
  }

  text(): string {
    if (this.#bracket === '[') return `[${this.#items}]`;
    let text = '';
    for (const [name, value] of this.#members.sort(byName)) text += `${text === '' ? '' : ','}${name}:${value}`;
    return `{${text}}`;
  }
}

function byName([one]: readonly [string, string], [other]: readonly [string, string]): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
