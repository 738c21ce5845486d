// The canonical order of an object's members: by the length of their names, then by the bytes of their names.
import { memberField } from './json-outline.js';

/** From this length on, a sort key holds nothing but the length. */
const longestInKey = 127;

/**
 * A number that puts most names in order: the length and the first three bytes of the quoted name in `bytes`, which has it from
 * `from` to `to`. Only names with equal keys have to be compared as a whole.
 */
export function sortKey(bytes: Buffer, from: number, to: number): number {
  const length = to - from;
  if (length >= longestInKey) return longestInKey << 24;
  let key = length << 24;
  if (length > 2) key |= (bytes[from + 1] ?? 0) << 16;
  if (length > 3) key |= (bytes[from + 2] ?? 0) << 8;
  if (length > 4) key |= bytes[from + 3] ?? 0;
  return key;
}

/** Where the names of members are. */
export interface MemberNames {
  bytes: Buffer;
  /** A member's position plus this is its position in `bytes`. */
  shift: number;
  /** Of the table of members. */
  rows: Int32Array;
}

/**
 * Negative if member `one` comes before `other`. Members of one name keep their order. Length comes first because it is compared at
 * once, and because names that end in a counter are in this order as they are written.
 */
export function compareMembers(names: MemberNames, one: number, other: number): number {
  const { rows } = names;
  const difference = (rows[one + memberField.sortKey] ?? 0) - (rows[other + memberField.sortKey] ?? 0);
  return difference === 0 ? compareNames(names, one, other) : difference;
}

function compareNames({ bytes, shift, rows }: MemberNames, one: number, other: number): number {
  const oneAt = (rows[one + memberField.nameAt] ?? 0) + shift;
  const otherAt = (rows[other + memberField.nameAt] ?? 0) + shift;
  const length = (rows[one + memberField.nameEndAt] ?? 0) + shift - oneAt;
  const longer = length - ((rows[other + memberField.nameEndAt] ?? 0) + shift - otherAt);
  if (longer !== 0) return longer;
  for (let index = 0; index < length; index += 1) {
    const difference = (bytes[oneAt + index] ?? 0) - (bytes[otherAt + index] ?? 0);
    if (difference !== 0) return difference;
  }
  return one - other;
}

/** Up to so many members are sorted by insertion. */
const fewMembers = 32;
/** More members than this leave too few bits of a sorting number for the length of a name. */
const mostKeyed = 2 ** 17;

/** Puts the first `count` of these members into the canonical order. */
export function sortMembers(names: MemberNames, list: Int32Array, count: number): void {
  if (count <= fewMembers) insertionSort(names, list, 0, count);
  else if (count > mostKeyed) list.subarray(0, count).sort((one, other) => compareMembers(names, one, other));
  else keyedSort(names, list, count);
}

/** Sorts the members of the list from `from` to `to`. Takes one comparison a member if they are in order already. */
export function insertionSort(names: MemberNames, list: Int32Array, from: number, to: number): void {
  for (let index = from + 1; index < to; index += 1) {
    const moving = list[index] ?? 0;
    let at = index;
    for (; at > from; at -= 1) {
      const before = list[at - 1] ?? 0;
      if (compareMembers(names, before, moving) < 0) break;
      list[at] = before;
    }
    list[at] = moving;
  }
}

/**
 * Sorts by a number made of the length and of four bytes after the prefix that all names share: the engine sorts numbers without
 * calling back. Members whose numbers are equal are then compared as a whole.
 */
function keyedSort(names: MemberNames, list: Int32Array, count: number): void {
  const prefix = commonPrefix(names, list, count);
  const keys = new Float64Array(count);
  // An exact double has 53 bits. Four bytes of the name take 32, and the place takes as many as the count does.
  const longest = Math.floor(2 ** 21 / count) - 1;
  for (let place = 0; place < count; place += 1) {
    keys[place] = keyOf(names, list[place] ?? 0, prefix, longest) * count + place;
  }
  keys.sort();
  const before = list.slice(0, count);
  // From here on `keys` holds them without the places.
  for (let index = 0; index < count; index += 1) {
    const key = keys[index] ?? 0;
    const withoutPlace = Math.floor(key / count);
    list[index] = before[key - withoutPlace * count] ?? 0;
    keys[index] = withoutPlace;
  }
  let from = 0;
  for (let to = 1; to <= count; to += 1) {
    if (to < count && keys[from] === keys[to]) continue;
    if (to - from > fewMembers) list.subarray(from, to).sort((one, other) => compareMembers(names, one, other));
    else if (to - from > 1) insertionSort(names, list, from, to);
    from = to;
  }
}

/** The length, then four bytes. Names of the length `longest` and more have one key: their lengths come before their bytes. */
function keyOf({ bytes, rows }: MemberNames, member: number, prefix: number, longest: number): number {
  const from = (rows[member + memberField.nameAt] ?? 0) + prefix;
  const length = (rows[member + memberField.nameEndAt] ?? 0) - from;
  if (length >= longest) return longest * 2 ** 32;
  let key = length;
  for (let index = 0; index < 4; index += 1) key = key * 256 + (index < length ? (bytes[from + index] ?? 0) : 0);
  return key;
}

/** How many bytes all names have in common at their beginning. */
function commonPrefix({ bytes, rows }: MemberNames, list: Int32Array, count: number): number {
  const firstAt = rows[(list[0] ?? 0) + memberField.nameAt] ?? 0;
  let length = (rows[(list[0] ?? 0) + memberField.nameEndAt] ?? 0) - firstAt;
  for (let index = 1; index < count; index += 1) {
    const at = rows[(list[index] ?? 0) + memberField.nameAt] ?? 0;
    const most = Math.min(length, (rows[(list[index] ?? 0) + memberField.nameEndAt] ?? 0) - at);
    let same = 0;
    while (same < most && bytes[at + same] === bytes[firstAt + same]) same += 1;
    length = same;
  }
  return length;
}
