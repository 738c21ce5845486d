// The strings of a JSON text: escapes resolved, so that every string has one spelling.

const quote = 0x22;
const backslash = 0x5c;
const slash = 0x2f;
const unicode = 0x75;
/** By a byte: the letter that stands for it behind a backslash, or 0. */
const letterOf = new Uint8Array(256);
/** By such a letter: 1. */
const isLetter = new Uint8Array(256);
for (const [byte, letter] of ['\bb', '\tt', '\nn', '\ff', '\rr', '""', '\\\\'].map((pair) => Buffer.from(pair))) {
  letterOf[byte ?? 0] = letter ?? 0;
  isLetter[letter ?? 0] = 1;
}

/** Beyond so many bytes a string is read four bytes at a time. */
const shortLength = 24;

/** Copies strings from `source` to `output`. Only what JSON cannot hold otherwise is escaped there, in the shortest way. */
export class StringScanner {
  /** Where the last string ended in the output. */
  writeAt = 0;
  readonly #source: Buffer;
  readonly #output: Buffer;
  readonly #view: DataView;

  constructor(source: Buffer, output: Buffer) {
    this.#source = source;
    this.#output = output;
    this.#view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  }

  /** Where the string that begins at `from` ends in the source, or -1 if it is none. */
  scan(from: number, writeAt: number): number {
    const source = this.#source;
    const output = this.#output;
    output[writeAt] = quote;
    let at = from + 1;
    let to = writeAt + 1;
    let longAt = at + shortLength;
    for (;;) {
      const byte = source[at];
      if (byte === quote) {
        output[to] = quote;
        this.writeAt = to + 1;
        return at + 1;
      }
      // The end of the source is undefined, which no comparison takes for a byte.
      if (byte === undefined || byte < 0x20) return -1;
      if (byte === backslash) {
        const letter = source[at + 1] ?? 0;
        if (isLetter[letter] === 1) {
          output[to] = backslash;
          output[to + 1] = letter;
          to += 2;
          at += 2;
          longAt = at + shortLength;
          continue;
        }
        const end = this.#escape(at, to);
        if (end < 0) return -1;
        to = this.writeAt;
        at = end;
        longAt = at + shortLength;
      } else if (at >= longAt) {
        const end = this.#plainEnd(at);
        source.copy(output, to, at, end);
        to += end - at;
        at = end;
        longAt = at + shortLength;
      } else {
        output[to++] = byte;
        at += 1;
      }
    }
  }

  /** The end of the bytes from `from` on that are copied as they are; at least one is, because the caller has seen it. */
  #plainEnd(from: number): number {
    const source = this.#source;
    const view = this.#view;
    let at = from + 1;
    for (; at + 4 <= source.length && !hasSpecial(view.getInt32(at, true)); at += 4);
    for (let byte = source[at]; byte !== undefined && isPlain(byte); byte = source[at]) at += 1;
    return at;
  }

  /** Where an escape of another kind ends in the source, or -1. Leaves in `writeAt` where it ends in the output. */
  #escape(at: number, to: number): number {
    const letter = this.#source[at + 1];
    if (letter === unicode) return this.#unicode(at, to);
    if (letter !== slash) return -1;
    this.#output[to] = slash;
    this.writeAt = to + 1;
    return at + 2;
  }

  /** `\uXXXX`, or two of them that make one character. */
  #unicode(at: number, to: number): number {
    const source = this.#source;
    const unit = hexAt(source, at + 2);
    if (unit < 0) return -1;
    const isHigh = unit >= 0xd800 && unit < 0xdc00 && source[at + 6] === backslash && source[at + 7] === unicode;
    const low = isHigh ? hexAt(source, at + 8) : -1;
    if (low >= 0xdc00 && low < 0xe000) {
      this.#write(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00), to);
      return at + 12;
    }
    this.#write(unit, to);
    return at + 6;
  }

  #write(codePoint: number, to: number): void {
    const output = this.#output;
    if (codePoint < 0x80) this.writeAt = this.#writeAscii(codePoint, to);
    else if (codePoint < 0x800) {
      output[to] = 0xc0 | (codePoint >> 6);
      this.writeAt = continued(output, to + 1, codePoint, 1);
    } else if (codePoint < 0x10000) {
      // Half of a surrogate pair has no UTF-8; its three bytes are those of no other character.
      output[to] = 0xe0 | (codePoint >> 12);
      this.writeAt = continued(output, to + 1, codePoint, 2);
    } else {
      output[to] = 0xf0 | (codePoint >> 18);
      this.writeAt = continued(output, to + 1, codePoint, 3);
    }
  }

  #writeAscii(byte: number, to: number): number {
    const output = this.#output;
    if (isPlain(byte)) {
      output[to] = byte;
      return to + 1;
    }
    const letter = letterOf[byte] ?? 0;
    if (letter === 0) return to + output.write(`\\u00${byte.toString(16).padStart(2, '0')}`, to, 'latin1');
    output[to] = backslash;
    output[to + 1] = letter;
    return to + 2;
  }
}

function isPlain(byte: number): boolean {
  return byte >= 0x20 && byte !== quote && byte !== backslash;
}

/** Whether one of these four bytes is a quote, a backslash or a control character. A byte from 0x80 on is none of them. */
function hasSpecial(four: number): boolean {
  const quotes = four ^ 0x22222222;
  const backslashes = four ^ 0x5c5c5c5c;
  const found =
    ((four - 0x20202020) & ~four) | ((quotes - 0x01010101) & ~quotes) | ((backslashes - 0x01010101) & ~backslashes);
  return (found & 0x80808080) !== 0;
}

/** Writes the last bytes of a character in UTF-8. */
function continued(output: Buffer, from: number, codePoint: number, count: number): number {
  for (let index = 0; index < count; index += 1) {
    output[from + index] = 0x80 | ((codePoint >> (6 * (count - 1 - index))) & 0x3f);
  }
  return from + count;
}

/** By a byte: its value as a hexadecimal digit, or -1. */
const hexValue = new Int8Array(256).fill(-1);
for (const [value, digit] of [...'0123456789abcdef'].entries()) {
  hexValue[digit.charCodeAt(0)] = value;
  hexValue[digit.toUpperCase().charCodeAt(0)] = value;
}

/** Four hexadecimal digits as a number; negative if they are none. */
function hexAt(source: Buffer, from: number): number {
  if (from + 4 > source.length) return -1;
  const first = hexValue[source[from] ?? 0] ?? -1;
  const second = hexValue[source[from + 1] ?? 0] ?? -1;
  const third = hexValue[source[from + 2] ?? 0] ?? -1;
  const fourth = hexValue[source[from + 3] ?? 0] ?? -1;
  return (first << 12) | (second << 8) | (third << 4) | fourth;
}
