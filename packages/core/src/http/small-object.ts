// Sorts the members of a small object as soon as it has been read.
import { type MemberTable, memberField, memberSize } from './json-outline.js';
import { type JsonWriter, viewOf } from './json-writer.js';
import { insertionSort, type MemberNames } from './member-order.js';

const comma = 0x2c;
/** Insertion sort takes longer than others for more members. */
const mostMembers = 32;
/** The bytes of an object are moved once for each object around it that is sorted here. This keeps those few. */
const mostBytes = 512;

/** Holds the content of an object while its members are written in their order. */
const scratch = Buffer.alloc(mostBytes);
const scratchView = viewOf(scratch);

/**
 * The order of the last object's members, kept from object to object. Arrays hold many objects with the same names in the same
 * order; this is then the right order for the next one too, and to sort it takes one comparison a member.
 */
const order = new Int32Array(mostMembers);
let orderedCount = 0;
let orderedFirst = 0;

export class SmallObjectSorter {
  readonly #writer: JsonWriter;
  readonly #members: MemberTable;
  readonly #sourceView: DataView;
  readonly #names: MemberNames;

  constructor(writer: JsonWriter, members: MemberTable) {
    this.#writer = writer;
    this.#members = members;
    this.#sourceView = viewOf(writer.source);
    this.#names = { bytes: writer.source, shift: 0, rows: members.rows };
  }

  /**
   * Sorts the object whose members are the last of the table, from the row `first` on. Its content begins at `startAt` in the output
   * and ends at `end` in the source. False if it is too large.
   */
  sort(first: number, startAt: number, end: number): boolean {
    const writer = this.#writer;
    const count = (this.#members.next - first) / memberSize;
    const size = end - writer.dropped - startAt;
    if (count > mostMembers || size > mostBytes) return false;
    // Where nothing in the object has changed, its members are copied from the source.
    const isInSource = writer.isInSource(startAt);
    writer.flush(isInSource ? startAt + writer.dropped : end);
    writer.writtenTo = end;
    const names = this.#names;
    names.rows = this.#members.rows;
    names.bytes = isInSource ? writer.source : scratch;
    names.shift = isInSource ? writer.dropped : -startAt;
    if (!isInSource) copyBytes(writer.outputView, startAt, startAt + size, scratchView, 0);
    arrange(names, first, count);
    writeMembers(names, isInSource ? this.#sourceView : scratchView, count, writer.outputView, startAt);
    return true;
  }
}

/** Puts the members into the canonical order, beginning with the order of the last object. */
function arrange(names: MemberNames, first: number, count: number): void {
  if (count !== orderedCount) for (let index = 0; index < count; index += 1) order[index] = first + index * memberSize;
  else if (first !== orderedFirst) {
    for (let index = 0; index < count; index += 1) order[index] = (order[index] ?? 0) + first - orderedFirst;
  }
  orderedCount = count;
  orderedFirst = first;
  insertionSort(names, order, 0, count);
}

function writeMembers(names: MemberNames, from: DataView, count: number, output: DataView, startAt: number): void {
  const { rows, shift } = names;
  let to = startAt;
  for (let index = 0; index < count; index += 1) {
    const member = order[index] ?? 0;
    const nameAt = (rows[member + memberField.nameAt] ?? 0) + shift;
    const endAt = (rows[member + memberField.endAt] ?? 0) + shift;
    if (index > 0) output.setUint8(to++, comma);
    copyBytes(from, nameAt, endAt, output, to);
    to += endAt - nameAt;
  }
}

/** Copies the bytes from `from` to `to`. Eight at a time, because a call of Node takes longer for so few. */
function copyBytes(source: DataView, from: number, to: number, destination: DataView, at: number): void {
  let read = from;
  let write = at;
  for (; read + 8 <= to; read += 8, write += 8) {
    destination.setInt32(write, source.getInt32(read));
    destination.setInt32(write + 4, source.getInt32(read + 4));
  }
  for (; read < to; read += 1, write += 1) destination.setUint8(write, source.getUint8(read));
}
