// The bytes of an answer that are kept for its record.

const minCapacityBytes = 1_024;

/**
 * One buffer that doubles when it is full. A list of chunks would cost a hundred bytes for each of them, and an answer may be
 * written byte by byte.
 */
export class GrowableBuffer {
  #buffer: Buffer;
  #length: number;

  /** Takes over `first`, which nobody may change any more. Everything else is copied. */
  constructor(first: Buffer = Buffer.alloc(0)) {
    this.#buffer = first;
    this.#length = first.length;
  }

  /** A view of all bytes so far. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Copies: whoever wrote the bytes may use the memory again once they count as written. */
  append(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#buffer.length) this.#grow(length);
    this.#buffer.set(bytes, this.#length);
    this.#length = length;
  }

  /** The first chunk is often the only one, and gets exactly the room that it needs. */
  #grow(length: number): void {
    const isFirst = this.#length === 0 && length >= minCapacityBytes;
    const grown = Buffer.allocUnsafeSlow(
      isFirst ? length : Math.max(length, 2 * this.#buffer.length, minCapacityBytes),
    );
    grown.set(this.bytes);
    this.#buffer = grown;
  }
}
