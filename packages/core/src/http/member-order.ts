// The canonical order of an object's members: by the length of their names, then by the bytes of their names.
import { ofMember } from './json-outline.js';

/**
 * Negative if member `one` comes before `other`. Members of one name keep their order. Length comes first because it is compared at
 * once, and because names that end in a counter are in this order as they are written.
 */
export function compareNames(text: Buffer, members: Int32Array, one: number, other: number): number {
  const oneAt = members[one + ofMember.nameAt] ?? 0;
  const otherAt = members[other + ofMember.nameAt] ?? 0;
  const length = (members[one + ofMember.nameEndAt] ?? 0) - oneAt;
  const longer = length - ((members[other + ofMember.nameEndAt] ?? 0) - otherAt);
  if (longer !== 0) return longer;
  for (let index = 0; index < length; index += 1) {
    const difference = (text[oneAt + index] ?? 0) - (text[otherAt + index] ?? 0);
    if (difference !== 0) return difference;
  }
  return one - other;
}

/** Up to so many members are sorted by insertion. */
const fewMembers = 12;
/** A sort key is one exact double: a length of up to 15, four bytes of the name, and the place among the members. */
const places = 2 ** 17;
const longestKeyed = 15;

/** Puts the first `count` of these members into the canonical order. */
export function sortMembers(text: Buffer, members: Int32Array, list: Int32Array, count: number): void {
  if (count <= fewMembers) insertionSort(text, members, list, 0, count);
  else if (count > places) list.subarray(0, count).sort((one, other) => compareNames(text, members, one, other));
  else keyedSort(text, members, list, count);
}

function insertionSort(text: Buffer, members: Int32Array, list: Int32Array, from: number, to: number): void {
  for (let index = from + 1; index < to; index += 1) {
    const moving = list[index] ?? 0;
    let at = index;
    for (; at > from && compareNames(text, members, list[at - 1] ?? 0, moving) > 0; at -= 1)
      list[at] = list[at - 1] ?? 0;
    list[at] = moving;
  }
}

/**
 * Sorts by a number made of the length and of four bytes after the prefix that all names share: the engine sorts numbers without
 * calling back. Members whose numbers are equal are then compared as a whole.
 */
function keyedSort(text: Buffer, members: Int32Array, list: Int32Array, count: number): void {
  const prefix = commonPrefix(text, members, list, count);
  const keys = new Float64Array(count);
  for (let place = 0; place < count; place += 1) {
    keys[place] = keyOf(text, members, list[place] ?? 0, prefix) * places + place;
  }
  keys.sort();
  const before = list.slice(0, count);
  // From here on `keys` holds them without the places.
  for (let index = 0; index < count; index += 1) {
    const key = keys[index] ?? 0;
    const withoutPlace = Math.floor(key / places);
    list[index] = before[key - withoutPlace * places] ?? 0;
    keys[index] = withoutPlace;
  }
  let from = 0;
  for (let to = 1; to <= count; to += 1) {
    if (to < count && keys[from] === keys[to]) continue;
    if (to - from > fewMembers) list.subarray(from, to).sort((one, other) => compareNames(text, members, one, other));
    else if (to - from > 1) insertionSort(text, members, list, from, to);
    from = to;
  }
}

function keyOf(text: Buffer, members: Int32Array, member: number, prefix: number): number {
  const from = (members[member + ofMember.nameAt] ?? 0) + prefix;
  const length = (members[member + ofMember.nameEndAt] ?? 0) - from;
  let key = Math.min(length, longestKeyed);
  for (let index = 0; index < 4; index += 1) key = key * 256 + (index < length ? (text[from + index] ?? 0) : 0);
  return key;
}

/** How many bytes all names have in common at their beginning. */
function commonPrefix(text: Buffer, members: Int32Array, list: Int32Array, count: number): number {
  const firstAt = members[(list[0] ?? 0) + ofMember.nameAt] ?? 0;
  let length = (members[(list[0] ?? 0) + ofMember.nameEndAt] ?? 0) - firstAt;
  for (let index = 1; index < count; index += 1) {
    const at = members[(list[index] ?? 0) + ofMember.nameAt] ?? 0;
    const most = Math.min(length, (members[(list[index] ?? 0) + ofMember.nameEndAt] ?? 0) - at);
    let same = 0;
    while (same < most && text[at + same] === text[firstAt + same]) same += 1;
    length = same;
  }
  return length;
}
