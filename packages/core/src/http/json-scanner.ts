// Reads a JSON text once: checks it, leaves out whitespace, resolves escapes, and sorts the members of small objects.
import { IntStack, MemberTable, memberField, none, ObjectTable, objectField, objectSize } from './json-outline.js';
import { numberEnd, wordEnd } from './json-scalar.js';
import { StringScanner } from './json-string.js';
import { JsonWriter } from './json-writer.js';
import { compareMembers, type MemberNames, sortKey } from './member-order.js';
import { SmallObjectSorter } from './small-object.js';

/** What the stack of open containers holds for an array; for an object it holds the object's row. */
const array = -2;

const endOfText = -1;
const space = 0x20;
const quote = 0x22;
const comma = 0x2c;
const nine = 0x39;
const colon = 0x3a;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Kept from text to text: a scan runs without a pause, so no two need them at once. */
const objects = new ObjectTable();
const members = new MemberTable();
const open = new IntStack();

/**
 * Reads UTF-8 bytes as RFC 8259 defines JSON, in one pass without recursion. `output` is never longer than the source. The members of
 * small objects are sorted in it. `objects` and `members` say where the objects are that are still to be sorted, until the next
 * scanner is made.
 */
export class JsonScanner {
  readonly objects = objects;
  readonly members = members;
  readonly #source: Buffer;
  readonly #writer: JsonWriter;
  readonly #strings: StringScanner;
  readonly #smallObjects: SmallObjectSorter;
  readonly #names: MemberNames;

  constructor(source: Buffer) {
    objects.clear();
    members.clear();
    open.clear();
    this.#source = source;
    this.#writer = new JsonWriter(source);
    this.#strings = new StringScanner(source, this.#writer);
    this.#names = { bytes: source, shift: 0, rows: members.rows };
    this.#smallObjects = new SmallObjectSorter(this.#writer, members);
  }

  get output(): Buffer {
    return this.#writer.finish();
  }

  /** False if the source is no JSON text; the rest of this object says nothing then. */
  scan(): boolean {
    let at = 0;
    for (;;) {
      at = this.#tokenFrom(at);
      const first = this.#byteAt(at);
      if (first === openBracket) {
        at = this.#tokenFrom(at + 1);
        if (this.#byteAt(at) !== closeBracket) {
          open.push(array);
          continue;
        }
        at += 1;
      } else if (first === openBrace) {
        at = this.#tokenFrom(at + 1);
        if (this.#byteAt(at) !== closeBrace) {
          open.push(objects.begin(at - this.#writer.dropped, members.next));
          at = this.#readName(at);
          if (at < 0) return false;
          continue;
        }
        at += 1;
      } else {
        at = this.#scalarEnd(at, first);
        if (at < 0) return false;
      }
      // A value has ended.
      for (;;) {
        at = this.#tokenFrom(at);
        const token = this.#byteAt(at);
        const container = open.top;
        if (container === none) return token === endOfText;
        if (token === comma) {
          at += 1;
          if (container === array) break;
          at = this.#readName(this.#tokenFrom(at));
          if (at < 0) return false;
          break;
        }
        if (token !== (container === array ? closeBracket : closeBrace)) return false;
        if (container !== array) this.#endObject(container, at);
        at += 1;
        open.pop();
      }
    }
  }

  #endObject(object: number, at: number): void {
    const { rows } = objects;
    const endAt = at - this.#writer.dropped;
    const first = rows[object + objectField.firstMember] ?? 0;
    const last = rows[object + objectField.lastMember] ?? 0;
    members.rows[last + memberField.endAt] = endAt;
    rows[object + objectField.endAt] = endAt;
    rows[object + objectField.next] = objects.next;
    // An object within it is still to be sorted.
    if (objects.next !== object + objectSize) return;
    const isSorted = rows[object + objectField.isSorted] === 1;
    if (!isSorted && !this.#smallObjects.sort(first, rows[object + objectField.startAt] ?? 0, at)) return;
    // Its content is in order: nobody asks for its rows again.
    objects.truncate(object);
    members.truncate(first);
  }

  /** Reads a member's name and the colon. Returns where the value may begin, or -1. */
  #readName(at: number): number {
    if (this.#byteAt(at) !== quote) return -1;
    const { dropped } = this.#writer;
    const end = this.#strings.endOf(at);
    if (end < 0) return -1;
    if (dropped === this.#writer.dropped) {
      this.#addMember(at - dropped, end, sortKey(this.#source, at, end));
    } else {
      this.#writer.flush(end);
      this.#addMember(at - dropped, end, sortKey(this.#writer.output, at - dropped, end - this.#writer.dropped));
    }
    const colonAt = this.#tokenFrom(end);
    return this.#byteAt(colonAt) === colon ? colonAt + 1 : -1;
  }

  #addMember(nameAt: number, end: number, key: number): void {
    const object = open.top;
    const previous = objects.rows[object + objectField.lastMember] ?? none;
    const member = members.begin(nameAt);
    const { rows } = members;
    rows[member + memberField.nameEndAt] = end - this.#writer.dropped;
    rows[member + memberField.previous] = previous;
    rows[member + memberField.firstObject] = objects.next;
    rows[member + memberField.sortKey] = key;
    objects.rows[object + objectField.lastMember] = member;
    if (previous === none) return;
    rows[previous + memberField.endAt] = nameAt - 1;
    const previousKey = rows[previous + memberField.sortKey] ?? 0;
    if (previousKey < key || objects.rows[object + objectField.isSorted] === 0) return;
    if (previousKey > key || !this.#areInOrder(previous, member, end)) objects.rows[object + objectField.isSorted] = 0;
  }

  /** Whether two members whose sort keys are equal are in order. The name of `other` ends at `end` in the source. */
  #areInOrder(one: number, other: number, end: number): boolean {
    const writer = this.#writer;
    const names = this.#names;
    const isInSource = writer.isInSource(members.rows[one + memberField.nameAt] ?? 0);
    if (!isInSource) writer.flush(end);
    names.bytes = isInSource ? writer.source : writer.output;
    names.shift = isInSource ? writer.dropped : 0;
    names.rows = members.rows;
    return compareMembers(names, one, other) < 0;
  }

  /** Where the string, number or word that begins here ends, or -1 if it is none. */
  #scalarEnd(at: number, first: number): number {
    if (first === quote) return this.#strings.endOf(at);
    if (first <= nine) return numberEnd(this.#source, at);
    return wordEnd(this.#source, at);
  }

  /** Where the next token begins. Whitespace before it is left out of the output. */
  #tokenFrom(from: number): number {
    const source = this.#source;
    const { length } = source;
    let at = from;
    for (; at < length; at += 1) {
      const byte = source[at] ?? 0;
      if (byte > space || (byte !== space && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) break;
    }
    if (at > from) this.#writer.drop(from, at);
    return at;
  }

  #byteAt(at: number): number {
    const source = this.#source;
    return at < source.length ? (source[at] ?? 0) : endOfText;
  }
}
