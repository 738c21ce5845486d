// The framing headers: the sender of a message sets them, and no record contains them.

/**
 * They describe one connection or the framing of one message (RFC 9110 section 7.6.1, RFC 9112 sections 6 and 7). `Trailer` goes with
 * the coding that allows trailers.
 */
export const framingHeaders: readonly string[] = [
  'connection',
  'content-length',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

const names = new Set(framingHeaders);

/** Whether the sender sets this header, in any case, whatever a record or an option says. */
export function isFramingHeader(name: string): boolean {
  return names.has(name.toLowerCase());
}
