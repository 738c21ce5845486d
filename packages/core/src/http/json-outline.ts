// Where the objects and the members of a JSON text are: tables of numbers, because a text can have a million of them.

/** Stands where there is no object, member or item. */
export const none = -1;

/** What a table may keep for the next text. */
const keptNumbers = 2 ** 17;

/** A list of whole numbers that doubles its memory when it is full. */
abstract class Numbers {
  /** Rows of the same length, one behind the other. */
  rows = new Int32Array(256);
  protected end = 0;

  /** Makes room for `size` more numbers and answers where they begin. */
  protected add(size: number): number {
    const at = this.end;
    this.end = at + size;
    if (this.end > this.rows.length) {
      const before = this.rows;
      this.rows = new Int32Array(2 * before.length);
      this.rows.set(before);
    }
    return at;
  }

  /** Forgets everything, for the next text. */
  clear(): void {
    this.end = 0;
    if (this.rows.length > keptNumbers) this.rows = new Int32Array(256);
  }
}

/** A place in the row of an object. Positions are those in the scanner's output. */
export const ofObject = {
  /** The position behind the opening brace. */
  startAt: 0,
  /** The position of the closing brace. */
  endAt: 1,
  /** The first object that begins after this one has ended. */
  next: 2,
  /** The last member so far, or `none`. */
  lastMember: 3,
  /** 1: its members are in the canonical order. */
  isSorted: 4,
} as const;
export const objectSize = 5;

/** Every object of a text, in the order in which they begin. An object is known by the place where its row begins. */
export class Objects extends Numbers {
  /** How many of them have their members in another order than the canonical one. */
  unsortedCount = 0;

  /** Where the row of the next object will begin. */
  get next(): number {
    return this.end;
  }

  begin(startAt: number): number {
    const object = this.add(objectSize);
    this.rows[object + ofObject.startAt] = startAt;
    this.rows[object + ofObject.lastMember] = none;
    this.rows[object + ofObject.isSorted] = 1;
    return object;
  }

  override clear(): void {
    super.clear();
    this.unsortedCount = 0;
  }
}

/** A place in the row of a member. */
export const ofMember = {
  /** The quoted name. */
  nameAt: 0,
  nameEndAt: 1,
  /** Where the value ends. */
  endAt: 2,
  /** The member before it in the same object, or `none`. */
  previous: 3,
  /** The first object that begins within the value, if one does. */
  firstObject: 4,
} as const;
const memberSize = 5;

/** Every member of those objects, in the order in which they begin. A member is known by the place where its row begins. */
export class Members extends Numbers {
  begin(nameAt: number): number {
    const member = this.add(memberSize);
    this.rows[member + ofMember.nameAt] = nameAt;
    return member;
  }
}

export class IntStack extends Numbers {
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
