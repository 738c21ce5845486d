// Bytes as they come from streams, in the form that the recording takes.

/** A view of the same memory. Throws a `TypeError` for what is no chunk of bytes. */
export function toBuffer(chunk: unknown): Buffer {
  if (ArrayBuffer.isView(chunk)) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  // Servers on Node send strings too.
  if (typeof chunk === 'string') return Buffer.from(chunk);
  throw new TypeError('The body of the response is a stream of something other than bytes.');
}
