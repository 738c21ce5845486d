// Holds back the last byte of a streaming response, so that the client cannot take an incomplete one for a whole one.

/**
 * Needed where the response has a declared length. Without one, the missing terminator of chunked coding, or the missing end
 * of an HTTP/2 stream, tells the client that the response is incomplete; then nothing is held back here.
 */
export class WithheldTail {
  /** What is held back. */
  bytes = Buffer.alloc(0);
  #sendableBytes: number;

  constructor(declaredLength: number | undefined) {
    this.#sendableBytes = declaredLength === undefined ? Number.POSITIVE_INFINITY : declaredLength - 1;
  }

  /** The part of the chunk that may be sent now. Holds the rest back. */
  withhold(chunk: Buffer): Buffer {
    const sendable = chunk.subarray(0, this.#sendableBytes);
    this.#sendableBytes -= sendable.length;
    if (sendable.length < chunk.length) this.bytes = Buffer.concat([this.bytes, chunk.subarray(sendable.length)]);
    return sendable;
  }
}
