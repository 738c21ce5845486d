// One spelling for all spellings of a JSON text: members sorted, whitespace dropped, numbers as they stand.
import { IntStack, memberField, none, objectField, objectSize } from './json-outline.js';
import { JsonScanner } from './json-scanner.js';
import { type MemberNames, sortMembers } from './member-order.js';

const comma = 0x2c;

/**
 * The canonical form of a JSON text in UTF-8, or null if it is none. Members are sorted (`member-order.ts`) and whitespace between
 * tokens is dropped; escapes in strings are resolved (`"\u0041"` is `"A"`). Numbers keep their source text, so `1.0` is not `1`,
 * and 9007199254740992 is not 9007199254740993: a retry repeats its text, and a reader with decimals sees a difference that
 * JavaScript does not. Members of one name are all kept, in their order, because parsers differ in which one they take.
 *
 * Any depth. The text is read once. Where nothing in it changes, the result is `source` itself, which must not be written to then.
 */
export function canonicalJson(source: Uint8Array): Buffer | null {
  const scanner = new JsonScanner(Buffer.from(source.buffer, source.byteOffset, source.byteLength));
  if (!scanner.scan()) return null;
  // The scanner sorts small objects. Others stay in its table.
  return scanner.objects.next === 0 ? scanner.output : new ObjectSorter(scanner).write();
}

/** Stands on the stack of ranges for a comma between two members. */
const separator = -2;

/** Ranges that are still to be written, the next one on top: from, to, the first object from there on. Kept from text to text. */
const pendingRanges = new IntStack();
/** The members of the object that is being sorted. */
let memberList = new Int32Array(64);

/** Writes the scanner's output again with the members of every object in the canonical order. */
class ObjectSorter {
  readonly #text: Buffer;
  readonly #objects: Int32Array;
  readonly #objectsEnd: number;
  readonly #members: Int32Array;
  readonly #names: MemberNames;
  readonly #result: Buffer;
  #length = 0;

  constructor({ output, objects, members }: JsonScanner) {
    this.#text = output;
    this.#objects = objects.rows;
    this.#objectsEnd = objects.next;
    this.#members = members.rows;
    this.#names = { bytes: output, shift: 0, rows: members.rows };
    this.#result = Buffer.allocUnsafe(output.length);
  }

  write(): Buffer {
    pendingRanges.clear();
    pushRange(0, this.#text.length, 0);
    while (!pendingRanges.isEmpty) {
      const object = pendingRanges.pop();
      if (object === separator) {
        this.#result[this.#length++] = comma;
        continue;
      }
      const to = pendingRanges.pop();
      const from = pendingRanges.pop();
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
      if ((rows[object + objectField.startAt] ?? 0) >= to) return none;
      if (rows[object + objectField.isSorted] === 0) return object;
    }
    return none;
  }

  /**
   * Writes what is before the object and, if nothing within it must be sorted, its members. Pushes the rest onto the stack.
   */
  #sortObject(object: number, from: number, to: number): void {
    const objects = this.#objects;
    const endAt = objects[object + objectField.endAt] ?? 0;
    this.#copy(from, objects[object + objectField.startAt] ?? 0);
    pushRange(endAt, to, objects[object + objectField.next] ?? 0);
    const count = listMembers(this.#members, objects[object + objectField.lastMember] ?? none);
    sortMembers(this.#names, memberList, count);
    if (this.#unsortedFrom(object + objectSize, endAt) === none) this.#copyMembers(count);
    else this.#pushMembers(count);
  }

  #copyMembers(count: number): void {
    const members = this.#members;
    for (let index = 0; index < count; index += 1) {
      const member = memberList[index] ?? 0;
      if (index > 0) this.#result[this.#length++] = comma;
      this.#copy(members[member + memberField.nameAt] ?? 0, members[member + memberField.endAt] ?? 0);
    }
  }

  #pushMembers(count: number): void {
    const members = this.#members;
    for (let index = count - 1; index >= 0; index -= 1) {
      const member = memberList[index] ?? 0;
      pushRange(
        members[member + memberField.nameAt] ?? 0,
        members[member + memberField.endAt] ?? 0,
        members[member + memberField.firstObject] ?? 0,
      );
      if (index > 0) pendingRanges.push(separator);
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

/** Lists the members of an object in the order of the source. Returns how many there are. */
function listMembers(members: Int32Array, last: number): number {
  let count = 0;
  for (let member = last; member !== none; member = members[member + memberField.previous] ?? none) count += 1;
  if (count > memberList.length) memberList = new Int32Array(2 * count);
  let at = count;
  for (let member = last; member !== none; member = members[member + memberField.previous] ?? none) {
    memberList[--at] = member;
  }
  return count;
}

function pushRange(from: number, to: number, firstObject: number): void {
  pendingRanges.push(from);
  pendingRanges.push(to);
  pendingRanges.push(firstObject);
}
