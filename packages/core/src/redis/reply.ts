// A reply of Redis, read item by item: every item has the form that it must have, or the reply makes no sense.
import { StoreError } from '../errors.js';

export class Reply {
  readonly #verb: string;
  readonly #items: readonly unknown[];
  #next = 0;

  constructor(verb: string, items: unknown) {
    this.#verb = verb;
    if (!Array.isArray(items)) throw this.nonsense('a reply that is no list');
    this.#items = items;
  }

  get hasMore(): boolean {
    return this.#next < this.#items.length;
  }

  /** Bytes that are there, or null. */
  bytesOrNull(): Buffer | null {
    const item = this.#items[this.#next++];
    if (item === null || Buffer.isBuffer(item)) return item;
    throw this.nonsense('no bytes');
  }

  bytes(): Buffer {
    return this.bytesOrNull() ?? this.#fail('no bytes');
  }

  text(): string {
    return this.bytes().toString('utf8');
  }

  /** Text; the empty one stands for none. */
  textOrNull(): string | null {
    return this.text() || null;
  }

  /** A number comes as one, or in digits: from the record's fields, and from clients with `stringNumbers`. */
  number(): number {
    return this.numberOrNull() ?? this.#fail('no number');
  }

  numberOrNull(): number | null {
    const item = this.#items[this.#next++];
    if (typeof item === 'number') return item;
    const digits = Buffer.isBuffer(item) ? item.toString('latin1') : item;
    if (digits === '') return null;
    if (typeof digits === 'string' && /^\d{1,16}$/.test(digits)) return Number(digits);
    throw this.nonsense('no number');
  }

  list(): readonly unknown[] {
    const item = this.#items[this.#next++];
    return Array.isArray(item) ? item : this.#fail('no list');
  }

  flag(): boolean {
    return this.text() === '1';
  }

  /** One of these words. */
  word<Word extends string>(words: readonly Word[]): Word {
    const text = this.text();
    return words.find((word) => word === text) ?? this.#fail(`the word ${JSON.stringify(text.slice(0, 32))}`);
  }

  nonsense(what: string): StoreError {
    const where = `in the reply to ${this.#verb}`;
    return new StoreError(
      'bug',
      `Redis answered with ${what} ${where}. Is something else writing to the store's keys?`,
      { unreadable: true },
    );
  }

  damaged(what: string): StoreError {
    return new StoreError(
      'damaged',
      `The record that Redis answered to ${this.#verb} with ${what}. Its bytes were changed.`,
    );
  }

  #fail(what: string): never {
    throw this.nonsense(what);
  }
}
