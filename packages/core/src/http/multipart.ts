// The comparable form of a multipart body: every send has another boundary, so the boundary is taken out.

const boundaryParameter = /;\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i;
const newline = 0x0a;

/**
 * The bytes without their boundary. The lengths of the pieces between the delimiters come first, so that two bodies have one form only if
 * they differ in nothing but the boundary. Null where the bytes are not those of a multipart body.
 */
export function withoutBoundary(source: Uint8Array, contentType: string | undefined): Uint8Array | null {
  const [, quoted, bare] = boundaryParameter.exec(contentType ?? '') ?? [];
  const boundary = quoted ?? bare;
  if (boundary === undefined) return null;
  const pieces = splitAtDelimiters(Buffer.from(source.buffer, source.byteOffset, source.byteLength), `--${boundary}`);
  if (pieces.length < 2) return null;
  const lengths = JSON.stringify(pieces.map(({ length }) => length));
  return Buffer.concat([Buffer.from(lengths), ...pieces]);
}

/** A delimiter stands at the beginning of a line. Elsewhere the same bytes are content. */
function splitAtDelimiters(body: Buffer, delimiter: string): Buffer[] {
  const mark = Buffer.from(delimiter);
  const pieces: Buffer[] = [];
  let from = 0;
  for (let at = body.indexOf(mark); at >= 0; at = body.indexOf(mark, at + mark.length)) {
    if (at > 0 && body[at - 1] !== newline) continue;
    pieces.push(body.subarray(from, at));
    from = at + mark.length;
  }
  pieces.push(body.subarray(from));
  return pieces;
}
