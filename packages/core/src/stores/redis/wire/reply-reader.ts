// A reply of Redis, read item by item: every item has the form that it must have, or the reply makes no sense.
import { StoreError } from '../../../errors.js';

export class ReplyReader {
  readonly #verb: string;
  readonly #items: readonly unknown[];
  #next = 0;

  constructor(verb: string, items: unknown) {
    this.#verb = verb;
    if (!Array.isArray(items)) throw this.unexpectedReplyError('a reply that is no list');
    this.#items = items;
  }

  get hasMore(): boolean {
    return this.#next < this.#items.length;
  }

  /** Bytes that are there, or null. */
  readBytesOrNull(): Buffer | null {
    const item = this.#items[this.#next++];
    if (item === null || Buffer.isBuffer(item)) return item;
    throw this.unexpectedReplyError('no bytes');
  }

  readBytes(): Buffer {
    return this.readBytesOrNull() ?? this.#failUnexpected('no bytes');
  }

  readText(): string {
    return this.readBytes().toString('utf8');
  }

  /** Text; the empty one stands for none. */
  readTextOrNull(): string | null {
    return this.readText() || null;
  }

  /** A number comes as one, or in digits: from the record's fields, and from clients with `stringNumbers`. */
  readNumber(): number {
    return this.readNumberOrNull() ?? this.#failUnexpected('no number');
  }

  readNumberOrNull(): number | null {
    const item = this.#items[this.#next++];
    if (typeof item === 'number') return item;
    const digits = Buffer.isBuffer(item) ? item.toString('latin1') : item;
    if (digits === '') return null;
    if (typeof digits === 'string' && /^\d{1,16}$/.test(digits)) return Number(digits);
    throw this.unexpectedReplyError('no number');
  }

  readList(): readonly unknown[] {
    const item = this.#items[this.#next++];
    return Array.isArray(item) ? item : this.#failUnexpected('no list');
  }

  readFlag(): boolean {
    return this.readText() === '1';
  }

  /** One of these words. */
  readOneOf<Word extends string>(words: readonly Word[]): Word {
    const text = this.readText();
    return words.find((word) => word === text) ?? this.#failUnexpected(`the word ${JSON.stringify(text.slice(0, 32))}`);
  }

  unexpectedReplyError(what: string): StoreError {
    const where = `in the reply to ${this.#verb}`;
    return new StoreError(
      'bug',
      `Redis answered with ${what} ${where}. Is something else writing to the store's keys?`,
      { unreadable: true },
    );
  }

  damagedRecordError(what: string): StoreError {
    return new StoreError(
      'damaged',
      `The record that Redis answered to ${this.#verb} with ${what}. Its bytes were changed.`,
    );
  }

  #failUnexpected(what: string): never {
    throw this.unexpectedReplyError(what);
  }
}
