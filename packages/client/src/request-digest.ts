// What tells the request of an intent from another.

/** A hash of method, address and body. The boundary of a form is another each time, so it is left out. */
export async function digestOf(request: Request): Promise<string> {
  const boundary = /boundary="?([^";]+)/.exec(request.headers.get('Content-Type') ?? '')?.[1];
  const text = Array.from(new Uint8Array(await request.arrayBuffer()), (byte) => String.fromCharCode(byte)).join('');
  const body = boundary === undefined ? text : text.replaceAll(boundary, '');
  return hash(`${request.method} ${request.url}\n${body}`);
}

/** FNV-1a and a variant of it, 32 bits each. Where it misses a change, the server still compares the whole request. */
function hash(text: string): string {
  let [first, second] = [0x811c9dc5, 0x9747b28c];
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    first = Math.imul(first ^ unit, 0x01000193);
    second = Math.imul(second ^ unit, 0x5bd1e995);
  }
  return `${(first >>> 0).toString(36)}-${(second >>> 0).toString(36)}`;
}
