// A table of fencing tokens that keeps no names, so that a collection of garbage has nothing to copy or to search.

const initialSlots = 256;

/**
 * Maps the hash of a name to the highest token. It has open addressing: a slot is two numbers side by side, the hash and the token. A Map
 * of names made each look at one wait for the memory of several names.
 */
export class TokenTable {
  #slots = new Float64Array(2 * initialSlots);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The token of this hash; 0 if there is none. */
  get(hash: number): number {
    return this.#slots[slotOf(this.#slots, hash) + 1] as number;
  }

  /** Keeps the token if it is higher than that of this hash. Tokens are above 0. */
  raise(hash: number, token: number): void {
    if (2 * this.#size >= this.#slots.length / 2) this.#grow();
    if (raise(this.#slots, hash, token)) this.#size += 1;
  }

  /** At most half of the slots are taken. */
  #grow(): void {
    const before = this.#slots;
    const after = new Float64Array(2 * before.length);
    for (let at = 0; at < before.length; at += 2) {
      if (before[at] !== 0) raise(after, before[at] as number, before[at + 1] as number);
    }
    this.#slots = after;
  }
}

/** Returns whether the hash is new. */
function raise(slots: Float64Array, hash: number, token: number): boolean {
  const at = slotOf(slots, hash);
  const isNew = slots[at] === 0;
  slots[at] = hash;
  slots[at + 1] = Math.max(token, slots[at + 1] as number);
  return isNew;
}

/** Where the slot of this hash begins, or the free one that it would take. */
function slotOf(slots: Float64Array, hash: number): number {
  const last = slots.length - 2;
  let at = (hash * 2) & last;
  while (slots[at] !== 0 && slots[at] !== hash) at = (at + 2) & last;
  return at;
}

/** So many characters at the end of a digest tell it apart from every other one. */
const hashedCharacters = 16;

/**
 * 53 bits, of a digest or of a short name. Among 20,000 names, two have the same hash once in some 40 million tables. They share the
 * higher token, and a token may always be higher than it needs to be. Never 0, which marks a free slot.
 */
export function hashOf(name: string): number {
  let low = 0x9e3779b9;
  let high = 0x85ebca6b;
  for (let at = Math.max(0, name.length - hashedCharacters); at < name.length; at += 1) {
    const code = name.charCodeAt(at);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code, 0x5bd1e995);
  }
  low ^= low >>> 15;
  return (high >>> 11) * 0x1_0000_0000 + (low >>> 0) || 1;
}
