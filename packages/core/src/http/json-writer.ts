// Writes what the canonical form keeps of a JSON text.

const noBytes: Buffer = Buffer.alloc(0);
const noView = viewOf(noBytes);
/** Node copies longer runs faster than a loop does. */
const shortRun = 64;

/**
 * Copies the source to the output in runs, from front to back. A text that is canonical already is not copied at all. The output is
 * never longer than the source.
 */
export class JsonWriter {
  readonly source: Buffer;
  /** Empty until a part of the source has to change. */
  output = noBytes;
  outputView = noView;
  /** The source is written up to this position. */
  writtenTo = 0;
  /** How many bytes have been left out. A position in the source minus this is the position in the output. */
  dropped = 0;

  constructor(source: Buffer) {
    this.source = source;
  }

  /** Whether everything from this position of the output on is still to be copied from the source as it is. */
  isInSource(position: number): boolean {
    return position + this.dropped >= this.writtenTo;
  }

  /** Writes the source up to `to`. */
  flush(to: number): void {
    const { source, dropped, writtenTo } = this;
    if (this.output === noBytes) this.#allocate();
    const { output } = this;
    if (to - writtenTo > shortRun) source.copy(output, writtenTo - dropped, writtenTo, to);
    else for (let at = writtenTo; at < to; at += 1) output[at - dropped] = source[at] ?? 0;
    this.writtenTo = to;
  }

  /** Leaves out the bytes of the source from `from` to `to`. */
  drop(from: number, to: number): void {
    this.flush(from);
    this.writtenTo = to;
    this.dropped += to - from;
  }

  /** Writes one byte in place of one that was dropped. */
  put(byte: number): void {
    this.output[this.writtenTo - this.dropped] = byte;
    this.dropped -= 1;
  }

  /** The output, after all of the source has been read. It is the source itself if nothing in it had to change. */
  finish(): Buffer {
    if (this.output === noBytes) return this.source;
    this.flush(this.source.length);
    return this.output.subarray(0, this.source.length - this.dropped);
  }

  #allocate(): void {
    this.output = Buffer.allocUnsafe(this.source.length);
    this.outputView = viewOf(this.output);
  }
}

export function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
