// Where the objects and the members of a JSON text are: tables of numbers, because a text can have a million of them.

/** Stands where there is no object, member or item. */
export const none = -1;

/** What a table may keep for the next text. */
const keptNumbers = 2 ** 17;

/** A list of whole numbers that doubles its memory when it is full. */
abstract class IntTable {
  /** Rows of the same length, one after the other. A row is known by the place where it begins. */
  rows = new Int32Array(256);
  protected end = 0;

  /** Where the next row will begin. */
  get next(): number {
    return this.end;
  }

  /** Removes this row and all after it. */
  truncate(row: number): void {
    this.end = row;
  }

  /** Removes everything, for the next text. */
  clear(): void {
    this.end = 0;
    if (this.rows.length > keptNumbers) this.rows = new Int32Array(256);
  }

  /** Makes room for `size` more numbers. Returns where they begin. */
  protected add(size: number): number {
    const row = this.end;
    this.end = row + size;
    if (this.end > this.rows.length) {
      const before = this.rows;
      this.rows = new Int32Array(2 * before.length);
      this.rows.set(before);
    }
    return row;
  }
}

/** The numbers in an object's row. Positions are those in the output. */
export const objectField = {
  /** The position behind the opening brace. */
  startAt: 0,
  /** The position of the closing brace. */
  endAt: 1,
  /** The first object that begins after this one has ended. */
  next: 2,
  firstMember: 3,
  /** The last member so far, or `none`. */
  lastMember: 4,
  /** 1: its members are in the canonical order. */
  isSorted: 5,
} as const;
export const objectSize = 6;

/** Objects in the order in which they begin. When one ends and all of its content is in the canonical order, its row is removed. */
export class ObjectTable extends IntTable {
  begin(startAt: number, firstMember: number): number {
    const object = this.add(objectSize);
    this.rows[object + objectField.startAt] = startAt;
    this.rows[object + objectField.firstMember] = firstMember;
    this.rows[object + objectField.lastMember] = none;
    this.rows[object + objectField.isSorted] = 1;
    return object;
  }
}

/** The numbers in a member's row. */
export const memberField = {
  /** The quoted name. */
  nameAt: 0,
  nameEndAt: 1,
  /** Where the value ends. */
  endAt: 2,
  /** The member before it in the same object, or `none`. */
  previous: 3,
  /** The first object that begins within the value, if one does. */
  firstObject: 4,
  /** The name's place in the canonical order, as far as one number can say it (`member-order.ts`). */
  sortKey: 5,
} as const;
export const memberSize = 6;

/** The members of those objects, in the order in which they begin. */
export class MemberTable extends IntTable {
  begin(nameAt: number): number {
    const member = this.add(memberSize);
    this.rows[member + memberField.nameAt] = nameAt;
    return member;
  }
}

export class IntStack extends IntTable {
  /** The last item, or `none`. */
  top = none;

  get isEmpty(): boolean {
    return this.end === 0;
  }

  push(item: number): void {
    const at = this.add(1);
    this.rows[at] = this.top;
    this.top = item;
  }

  pop(): number {
    const item = this.top;
    this.end -= 1;
    this.top = this.rows[this.end] ?? none;
    return item;
  }

  override clear(): void {
    super.clear();
    this.top = none;
  }
}
