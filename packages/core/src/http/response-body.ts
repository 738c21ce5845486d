// The body of a captured response. Its bytes are copied once when they are written and once into the record.

const minBlockBytes = 1_024;
const maxBlockBytes = 65_536;

/**
 * Blocks that are filled one after the other and never moved. Each new block is as large as all before it, up to 64 KiB: a list of
 * chunks would cost a hundred bytes for each chunk, and a handler may write byte by byte.
 */
export class ResponseBody {
  #blocks: Buffer[];
  #byteLength: number;
  /** Bytes of the last block that are in use. */
  #lastUsed: number;

  /** Takes over `first`, which nobody may change afterwards. */
  constructor(first?: Buffer) {
    this.#blocks = first === undefined ? [] : [first];
    this.#byteLength = first?.length ?? 0;
    this.#lastUsed = this.#byteLength;
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  /** The bytes so far, in views that stay valid: `append` never changes them. */
  get blocks(): Buffer[] {
    const last = this.#blocks.length - 1;
    // The usual body came in one piece.
    if (last === 0 && this.#blocks[0]?.length === this.#lastUsed) return this.#blocks;
    return this.#blocks.map((block, at) => (at === last ? block.subarray(0, this.#lastUsed) : block));
  }

  /**
   * Copies the bytes, because their owner may reuse the memory once they count as written. `isOwned`: nobody does, as with the bytes that
   * a text was just encoded to. Then they are taken over, unless they are too few for a block.
   */
  append(bytes: Buffer, isOwned = false): void {
    if (isOwned && bytes.length >= minBlockBytes) {
      this.#takeOver(bytes);
      return;
    }
    const last = this.#blocks.at(-1);
    const fitting = last === undefined ? 0 : Math.min(bytes.length, last.length - this.#lastUsed);
    last?.set(bytes.subarray(0, fitting), this.#lastUsed);
    this.#lastUsed += fitting;
    this.#byteLength += fitting;
    if (fitting < bytes.length) this.#addBlock(bytes.subarray(fitting));
  }

  /** All bytes in one piece. Several blocks are joined, at most once. */
  toBuffer(): Buffer {
    if (this.#blocks.length > 1) this.#replaceBlocks(Buffer.concat(this.blocks));
    return this.blocks[0] ?? noBytes;
  }

  /**
   * Copies all bytes into `target`, which nobody may change afterwards. A body of several blocks uses that memory from now on, so that
   * `toBuffer` needs no further copy.
   */
  copyTo(target: Buffer, offset: number): void {
    let at = offset;
    for (const block of this.blocks) {
      target.set(block, at);
      at += block.length;
    }
    if (this.#blocks.length > 1) this.#replaceBlocks(target.subarray(offset, at));
  }

  #takeOver(block: Buffer): void {
    const last = this.#blocks.pop();
    if (last !== undefined) this.#blocks.push(last.subarray(0, this.#lastUsed));
    this.#blocks.push(block);
    this.#lastUsed = block.length;
    this.#byteLength += block.length;
  }

  /** The first chunk is often the only one: it gets exactly the room that it needs, unless it is tiny. */
  #addBlock(bytes: Uint8Array): void {
    const grown = Math.min(Math.max(this.#byteLength, minBlockBytes), maxBlockBytes);
    const block = Buffer.allocUnsafeSlow(Math.max(bytes.length, grown));
    block.set(bytes);
    this.#blocks.push(block);
    this.#lastUsed = bytes.length;
    this.#byteLength += bytes.length;
  }

  #replaceBlocks(whole: Buffer): void {
    this.#blocks = [whole];
    this.#lastUsed = whole.length;
  }
}

const noBytes = Buffer.alloc(0);
