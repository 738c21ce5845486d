// Reads a JSON text once: checks it, writes it without whitespace and in one spelling, and notes where its members are.
import { IntStack, Members, none, Objects, ofMember, ofObject } from './json-outline.js';
import { StringScanner } from './json-string.js';
import { compareNames } from './member-order.js';

/** What the stack of open containers holds for an array; for an object it holds the object's number. */
const array = -2;

const endOfText = -1;
const space = 0x20;
const quote = 0x22;
const comma = 0x2c;
const minus = 0x2d;
const point = 0x2e;
const zero = 0x30;
const nine = 0x39;
const colon = 0x3a;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Kept from text to text: a scan runs without a pause, so no two need them at once. */
const objects = new Objects();
const members = new Members();
const open = new IntStack();

/**
 * Reads UTF-8 bytes as RFC 8259 defines JSON. The work is one pass without recursion, and the output is never longer than the
 * source. `output` holds the tokens in the order of the source; `objects` and `members` say where they are in it, until the next
 * scanner is made.
 */
export class JsonScanner {
  readonly objects = objects;
  readonly members = members;
  readonly #source: Buffer;
  readonly #output: Buffer;
  readonly #strings: StringScanner;
  #at = 0;
  #writeAt = 0;

  constructor(source: Buffer) {
    objects.clear();
    members.clear();
    open.clear();
    this.#source = source;
    this.#output = Buffer.allocUnsafe(source.length);
    this.#strings = new StringScanner(source, this.#output);
  }

  get output(): Buffer {
    return this.#output.subarray(0, this.#writeAt);
  }

  /** False if the source is no JSON text; the rest of this object says nothing then. */
  scan(): boolean {
    for (;;) {
      const first = this.#next();
      if (first === openBracket) {
        this.#begin(array, first);
        if (this.#next() !== closeBracket) continue;
      } else if (first === openBrace) {
        this.#begin(objects.begin(this.#writeAt + 1), first);
        if (this.#next() !== closeBrace) {
          if (!this.#name()) return false;
          continue;
        }
      } else if (!this.#scalar(first)) return false;
      // A value has ended, or an empty container is about to.
      for (;;) {
        const token = this.#next();
        const container = open.top;
        if (container === none) return token === endOfText;
        if (token === comma) {
          this.#copy(comma);
          if (container !== array && !this.#name()) return false;
          break;
        }
        if (token !== (container === array ? closeBracket : closeBrace)) return false;
        this.#end(container, token);
      }
    }
  }

  #begin(container: number, bracket: number): void {
    open.push(container);
    this.#copy(bracket);
  }

  #end(container: number, bracket: number): void {
    if (container !== array) {
      const { rows } = objects;
      rows[container + ofObject.endAt] = this.#writeAt;
      rows[container + ofObject.next] = objects.next;
      const last = rows[container + ofObject.lastMember] ?? none;
      if (last !== none) members.rows[last + ofMember.endAt] = this.#writeAt;
    }
    this.#copy(bracket);
    open.pop();
  }

  /** A member's name and the colon. */
  #name(): boolean {
    if (this.#next() !== quote) return false;
    const member = members.begin(this.#writeAt);
    if (!this.#string()) return false;
    const { rows } = members;
    rows[member + ofMember.nameEndAt] = this.#writeAt;
    rows[member + ofMember.firstObject] = objects.next;
    this.#link(member, open.top);
    if (this.#next() !== colon) return false;
    this.#copy(colon);
    return true;
  }

  #link(member: number, object: number): void {
    const previous = objects.rows[object + ofObject.lastMember] ?? none;
    objects.rows[object + ofObject.lastMember] = member;
    const { rows } = members;
    rows[member + ofMember.previous] = previous;
    if (previous === none) return;
    rows[previous + ofMember.endAt] = (rows[member + ofMember.nameAt] ?? 0) - 1;
    if (objects.rows[object + ofObject.isSorted] === 0) return;
    if (compareNames(this.#output, rows, previous, member) <= 0) return;
    objects.rows[object + ofObject.isSorted] = 0;
    objects.unsortedCount += 1;
  }

  #scalar(first: number): boolean {
    switch (first) {
      case quote:
        return this.#string();
      case 0x74:
        return this.#word(0x72, 0x75, 0x65) && this.#copied(4);
      case 0x66:
        return this.#word(0x61, 0x6c, 0x73) && this.#source[this.#at + 4] === 0x65 && this.#copied(5);
      case 0x6e:
        return this.#word(0x75, 0x6c, 0x6c) && this.#copied(4);
      default:
        return this.#number(first);
    }
  }

  #string(): boolean {
    const end = this.#strings.scan(this.#at, this.#writeAt);
    if (end < 0) return false;
    this.#at = end;
    this.#writeAt = this.#strings.writeAt;
    return true;
  }

  /** Whether these are the second to the fourth byte of the word that begins here. */
  #word(second: number, third: number, fourth: number): boolean {
    const source = this.#source;
    const at = this.#at;
    return source[at + 1] === second && source[at + 2] === third && source[at + 3] === fourth;
  }

  #copied(count: number): true {
    this.#copyTo(this.#at + count);
    return true;
  }

  /** A number keeps its source text: `1.0` is not `1`. What is copied of a number that is none does not count. */
  #number(first: number): boolean {
    const source = this.#source;
    const output = this.#output;
    const shift = this.#writeAt - this.#at;
    let at = this.#at;
    if (first === minus) output[at++ + shift] = minus;
    let end = copyDigits(source, output, at, shift);
    if (end === at || (end > at + 1 && source[at] === zero)) return false;
    if (source[end] === point) {
      output[end + shift] = point;
      at = end + 1;
      end = copyDigits(source, output, at, shift);
      if (end === at) return false;
    }
    const letter = source[end];
    if (letter === 0x65 || letter === 0x45) {
      output[end + shift] = letter;
      at = end + 1;
      const sign = source[at];
      if (sign === 0x2b || sign === minus) output[at++ + shift] = sign;
      end = copyDigits(source, output, at, shift);
      if (end === at) return false;
    }
    this.#at = end;
    this.#writeAt = end + shift;
    return true;
  }

  /** The first byte of the next token. */
  #next(): number {
    const source = this.#source;
    let at = this.#at;
    if (at < source.length) {
      let byte = source[at] ?? 0;
      if (byte > space) return byte;
      while (byte === space || byte === 0x0a || byte === 0x0d || byte === 0x09) {
        at += 1;
        if (at === source.length) break;
        byte = source[at] ?? 0;
      }
      this.#at = at;
      if (at < source.length) return byte;
    }
    return endOfText;
  }

  #copy(byte: number): void {
    this.#output[this.#writeAt++] = byte;
    this.#at += 1;
  }

  #copyTo(end: number): void {
    const source = this.#source;
    const output = this.#output;
    let writeAt = this.#writeAt;
    for (let at = this.#at; at < end; at += 1) output[writeAt++] = source[at] ?? 0;
    this.#at = end;
    this.#writeAt = writeAt;
  }
}

/** Copies the digits from `from` on, each `shift` further. Answers where they end in the source. */
function copyDigits(source: Buffer, output: Buffer, from: number, shift: number): number {
  let at = from;
  for (; at < source.length; at += 1) {
    const byte = source[at] ?? 0;
    if (byte < zero || byte > nine) break;
    output[at + shift] = byte;
  }
  return at;
}
