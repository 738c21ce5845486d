// Reads a reply of Redis, a list or a number, item by item. An item of an unexpected form is an error.
import { StoreError } from '../../../errors.js';

/** How many characters of a server's text an error message quotes. */
const maxQuotedLength = 32;

export class ReplyReader {
  readonly #command: string;
  readonly #items: readonly unknown[];
  readonly #redact: (text: string) => string;
  #next = 0;
  /** Whether the reply is a number in place of a list. The most frequent replies are: a list of items costs the server and the client more. */
  readonly isNumber: boolean;

  /**
   * `command` is the verb or the command that the reply belongs to. Error messages name it. `redact` takes secrets and
   * control characters out of the server's text before an error message quotes it.
   */
  constructor(command: string, items: unknown, redact: (text: string) => string) {
    this.#command = command;
    this.#redact = redact;
    this.isNumber = typeof items === 'number' || typeof items === 'string';
    if (this.isNumber) this.#items = [items];
    else if (Array.isArray(items)) this.#items = items;
    else throw this.#unexpectedReplyError('is neither a list nor a number');
  }

  get hasMore(): boolean {
    return this.#next < this.#items.length;
  }

  readBytesOrNull(): Buffer | null {
    const item = this.#items[this.#next++];
    if (item === null || Buffer.isBuffer(item)) return item;
    throw this.#unexpectedReplyError('has no bytes where bytes are expected');
  }

  readBytes(): Buffer {
    return this.readBytesOrNull() ?? this.#failUnexpected('has no bytes where bytes are expected');
  }

  readText(): string {
    return this.readBytes().toString('utf8');
  }

  /** Redis replies with a number or with its digits: the digits come from TIME and from clients with `stringNumbers`. */
  readNumber(): number {
    const item = this.#items[this.#next++];
    if (typeof item === 'number') return item;
    const digits = Buffer.isBuffer(item) ? item.toString('latin1') : item;
    if (typeof digits === 'string' && /^\d{1,16}$/.test(digits)) return Number(digits);
    throw this.#unexpectedReplyError('has no number where a number is expected');
  }

  /** Reads the rest as texts. */
  *readTexts(): Iterable<string> {
    while (this.hasMore) yield this.readText();
  }

  readList(): ReplyReader {
    return new ReplyReader(this.#command, this.#items[this.#next++], this.#redact);
  }

  /** Reads text that must be one of `words`. */
  readOneOf<Word extends string>(words: readonly Word[]): Word {
    const text = this.readText();
    return words.find((word) => word === text) ?? this.#failUnexpected(`has the unexpected word ${this.#quote(text)}`);
  }

  damagedRecordError(damage: string): StoreError {
    return new StoreError(
      'damaged',
      `Redis replied to ${this.#command} with a record that ${damage}. Its bytes were changed.`,
    );
  }

  #unexpectedReplyError(flaw: string): StoreError {
    return new StoreError(
      'bug',
      `The reply of Redis to ${this.#command} ${flaw}. Does something else write to the store's keys?`,
      { unreadable: true },
    );
  }

  #quote(text: string): string {
    return JSON.stringify(this.#redact(text).slice(0, maxQuotedLength));
  }

  #failUnexpected(flaw: string): never {
    throw this.#unexpectedReplyError(flaw);
  }
}
