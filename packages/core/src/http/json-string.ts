// The strings of a JSON text: escapes resolved, so that every string has one spelling.
import type { JsonWriter } from './json-writer.js';

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
/** By a byte: 1 if it stands for itself in a string. */
const isPlain = new Uint8Array(256).fill(1, 0x20);
isPlain[quote] = 0;
isPlain[backslash] = 0;

/** After so many plain bytes a string is read eight bytes at a time. */
const shortLength = 24;

/** The highest bit of each of four bytes. */
const allPlain = 0x80808080 | 0;

/** Reads strings. Only what JSON cannot hold otherwise is escaped in the output, in the shortest way. */
export class StringScanner {
  readonly #source: Buffer;
  readonly #writer: JsonWriter;
  readonly #view: DataView;

  constructor(source: Buffer, writer: JsonWriter) {
    this.#source = source;
    this.#writer = writer;
    this.#view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  }

  /** Where the string that begins at `from` ends in the source, or -1 if it is none. */
  endOf(from: number): number {
    const source = this.#source;
    const { length } = source;
    let at = from + 1;
    let longAt = at + shortLength;
    while (at < length) {
      const byte = source[at] ?? 0;
      if (isPlain[byte] === 1) {
        at += 1;
        if (at >= longAt) {
          at = this.#plainEnd(at);
          longAt = at + shortLength;
        }
      } else if (byte === quote) {
        return at + 1;
      } else {
        if (byte !== backslash || at + 1 === length) return -1;
        if (isLetter[source[at + 1] ?? 0] === 1) at += 2;
        else at = this.#resolveEscape(at);
        if (at < 0) return -1;
        longAt = at + shortLength;
      }
    }
    return -1;
  }

  /** The end of the plain bytes from `from` on. */
  #plainEnd(from: number): number {
    const source = this.#source;
    const view = this.#view;
    const last = source.length - 8;
    let at = from;
    while (at <= last) {
      const bits = plainBits(view.getInt32(at, true)) & plainBits(view.getInt32(at + 4, true));
      if ((bits & allPlain) !== allPlain) break;
      at += 8;
    }
    while (at < source.length && isPlain[source[at] ?? 0] === 1) at += 1;
    return at;
  }

  /** Writes what an escape of another kind stands for. Returns where the escape ends, or -1. */
  #resolveEscape(at: number): number {
    const letter = this.#source[at + 1];
    if (letter === unicode) return this.#resolveUnicode(at);
    if (letter !== slash) return -1;
    this.#writer.drop(at, at + 1);
    return at + 2;
  }

  /** `\uXXXX`, or two of them that make one character. */
  #resolveUnicode(at: number): number {
    const source = this.#source;
    const unit = hexAt(source, at + 2);
    if (unit < 0) return -1;
    const isHigh = unit >= 0xd800 && unit < 0xdc00 && source[at + 6] === backslash && source[at + 7] === unicode;
    const low = isHigh ? hexAt(source, at + 8) : -1;
    const isPair = low >= 0xdc00 && low < 0xe000;
    const end = at + (isPair ? 12 : 6);
    this.#writer.drop(at, end);
    writeCharacter(this.#writer, isPair ? 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00) : unit);
    return end;
  }
}

/**
 * Looks at four bytes at once. The highest bit of each byte of the result is set if that byte is none of quote, backslash and
 * control character, as every byte from 0x80 on.
 */
function plainBits(four: number): number {
  const low = four & 0x7f7f7f7f;
  return four | ((low + 0x60606060) & ((low ^ 0x22222222) + 0x7f7f7f7f) & ((low ^ 0x5c5c5c5c) + 0x7f7f7f7f));
}

function writeCharacter(writer: JsonWriter, codePoint: number): void {
  if (codePoint < 0x80) {
    writeAscii(writer, codePoint);
  } else if (codePoint < 0x800) {
    writer.put(0xc0 | (codePoint >> 6));
    continueCharacter(writer, codePoint, 1);
  } else if (codePoint < 0x10000) {
    // Half of a surrogate pair has no UTF-8; its three bytes are those of no other character.
    writer.put(0xe0 | (codePoint >> 12));
    continueCharacter(writer, codePoint, 2);
  } else {
    writer.put(0xf0 | (codePoint >> 18));
    continueCharacter(writer, codePoint, 3);
  }
}

/** Writes the last bytes of a character in UTF-8. */
function continueCharacter(writer: JsonWriter, codePoint: number, count: number): void {
  for (let left = count - 1; left >= 0; left -= 1) writer.put(0x80 | ((codePoint >> (6 * left)) & 0x3f));
}

function writeAscii(writer: JsonWriter, byte: number): void {
  const letter = letterOf[byte] ?? 0;
  if (isPlain[byte] === 1) writer.put(byte);
  else if (letter === 0)
    for (const digit of Buffer.from(`\\u00${byte.toString(16).padStart(2, '0')}`)) writer.put(digit);
  else {
    writer.put(backslash);
    writer.put(letter);
  }
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
