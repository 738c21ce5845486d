// One spelling for all spellings of a JSON text: members sorted, whitespace dropped, numbers as they stand.
import { IntStack, none, objectSize, ofMember, ofObject } from './json-outline.js';
import { JsonScanner } from './json-scanner.js';
import { sortMembers } from './member-order.js';

const comma = 0x2c;

/**
 * The canonical form of a JSON text in UTF-8, or null if it is none. Members are sorted (`member-order.ts`) and whitespace between
 * tokens is dropped; escapes in strings are resolved (`"\u0041"` is `"A"`). Numbers keep their source text, so `1.0` is not `1`,
 * and 9007199254740992 is not 9007199254740993: a retry repeats its text, and a reader with decimals sees a difference that
 * JavaScript does not. Members of one name are all kept, in their order, because parsers differ in which one they take.
 *
 * Any depth. Takes no longer than `JSON.parse` of the same text for nearly every shape of it: the text is scanned once, and only
 * objects whose members are in another order are put together again.
 */
export function canonicalJson(source: Uint8Array): Buffer | null {
  const scanner = new JsonScanner(Buffer.from(source.buffer, source.byteOffset, source.byteLength));
  if (!scanner.scan()) return null;
  return scanner.objects.unsortedCount === 0 ? scanner.output : new Arrangement(scanner).write();
}

/** Stands on the stack of pieces for a comma between two members. */
const separator = -2;

/** Kept from text to text. Pieces that are still to be written, the next one on top: from, to, the first object from there on. */
const pieces = new IntStack();
/** The members of the object that is being sorted. */
let list = new Int32Array(64);

/** Writes the scanner's output again with every object's members in the canonical order. */
class Arrangement {
  readonly #text: Buffer;
  readonly #objects: Int32Array;
  readonly #objectsEnd: number;
  readonly #members: Int32Array;
  readonly #result: Buffer;
  #length = 0;

  constructor({ output, objects, members }: JsonScanner) {
    this.#text = output;
    this.#objects = objects.rows;
    this.#objectsEnd = objects.next;
    this.#members = members.rows;
    this.#result = Buffer.allocUnsafe(output.length);
  }

  write(): Buffer {
    pieces.clear();
    push(0, this.#text.length, 0);
    while (!pieces.isEmpty) {
      const object = pieces.pop();
      if (object === separator) {
        this.#result[this.#length++] = comma;
        continue;
      }
      const to = pieces.pop();
      const from = pieces.pop();
      const unsorted = this.#unsortedFrom(object, to);
      if (unsorted === none) this.#copy(from, to);
      else this.#sortObject(unsorted, from, to);
    }
    return this.#result;
  }

  /** The first object from here on that must be sorted, if it begins before `to`. */
  #unsortedFrom(first: number, to: number): number {
    const rows = this.#objects;
    for (let object = first; object < this.#objectsEnd; object += objectSize) {
      if ((rows[object + ofObject.startAt] ?? 0) >= to) return none;
      if (rows[object + ofObject.isSorted] === 0) return object;
    }
    return none;
  }

  /** Writes what is before the object and, if nothing within it must be sorted, its members. The rest goes onto the stack. */
  #sortObject(object: number, from: number, to: number): void {
    const objects = this.#objects;
    const endAt = objects[object + ofObject.endAt] ?? 0;
    this.#copy(from, objects[object + ofObject.startAt] ?? 0);
    push(endAt, to, objects[object + ofObject.next] ?? 0);
    const count = listMembers(this.#members, objects[object + ofObject.lastMember] ?? none);
    sortMembers(this.#text, this.#members, list, count);
    if (this.#unsortedFrom(object + objectSize, endAt) === none) this.#copyMembers(count);
    else this.#pushMembers(count);
  }

  #copyMembers(count: number): void {
    const members = this.#members;
    for (let index = 0; index < count; index += 1) {
      const member = list[index] ?? 0;
      if (index > 0) this.#result[this.#length++] = comma;
      this.#copy(members[member + ofMember.nameAt] ?? 0, members[member + ofMember.endAt] ?? 0);
    }
  }

  #pushMembers(count: number): void {
    const members = this.#members;
    for (let index = count - 1; index >= 0; index -= 1) {
      const member = list[index] ?? 0;
      push(
        members[member + ofMember.nameAt] ?? 0,
        members[member + ofMember.endAt] ?? 0,
        members[member + ofMember.firstObject] ?? 0,
      );
      if (index > 0) pieces.push(separator);
    }
  }

  #copy(from: number, to: number): void {
    const text = this.#text;
    const result = this.#result;
    let length = this.#length;
    if (to - from > 64) length += text.copy(result, length, from, to);
    else for (let at = from; at < to; at += 1) result[length++] = text[at] ?? 0;
    this.#length = length;
  }
}

/** Lists the members of an object in the order of the source. Answers how many there are. */
function listMembers(members: Int32Array, last: number): number {
  let count = 0;
  for (let member = last; member !== none; member = members[member + ofMember.previous] ?? none) count += 1;
  if (count > list.length) list = new Int32Array(2 * count);
  let at = count;
  for (let member = last; member !== none; member = members[member + ofMember.previous] ?? none) list[--at] = member;
  return count;
}

function push(from: number, to: number, firstObject: number): void {
  pieces.push(from);
  pieces.push(to);
  pieces.push(firstObject);
}
