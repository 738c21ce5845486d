// Multipart bodies whose bytes are at hand: two sends are equal where nothing but the boundary differs.
import { describe, expect, it } from 'vitest';
import { toComparableBody } from '../../packages/core/src/http/comparable-body.js';
import { fingerprintRequest } from '../../packages/core/src/http/fingerprint.js';

interface Body {
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

/** As `fetch` and browsers send it, each time with another boundary. */
async function send(fields: Record<string, string | Blob>): Promise<Body> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  const request = new Request('http://localhost/', { method: 'POST', body: form });
  return {
    contentType: request.headers.get('content-type') ?? '',
    bytes: new Uint8Array(await request.arrayBuffer()),
  };
}

/** The fingerprint, or the reason why there is none. */
function fingerprintOf({ contentType, bytes }: Body): string {
  const headers = { 'content-type': contentType, 'content-length': String(bytes.length) };
  const body = toComparableBody({ headers, hasBody: true, readableEnded: true, parsedBody: undefined, rawBody: bytes });
  if (!body.ok) return body.reason;
  return fingerprintRequest({ method: 'POST', path: '/uploads', query: '', body });
}

function written(boundary: string, text: string): Body {
  return { contentType: `multipart/form-data; boundary=${boundary}`, bytes: Buffer.from(text) };
}

const file = (content: string, type = 'image/png') => new File([content], 'photo.png', { type });
const photo = { amount: '10', photo: file('pixels') };

describe('A multipart body', () => {
  it('has the same fingerprint on every send, although each has another boundary', async () => {
    const [first, second] = [await send(photo), await send(photo)];
    expect(first.contentType).not.toBe(second.contentType);
    expect(fingerprintOf(first)).toMatch(/^v1:/);
    expect(fingerprintOf(second)).toBe(fingerprintOf(first));
  });

  it.each([
    ['another value of a field', { ...photo, amount: '11' }],
    ['another byte in the file', { ...photo, photo: file('pixelz') }],
    ['another type of the file', { ...photo, photo: file('pixels', 'image/gif') }],
    ['another file name', { ...photo, photo: new File(['pixels'], 'other.png', { type: 'image/png' }) }],
    ['another field', { ...photo, note: '' }],
    ['the same fields in another order', { photo: photo.photo, amount: photo.amount }],
  ])('with %s has another fingerprint', async (_what, fields) => {
    expect(fingerprintOf(await send(fields))).not.toBe(fingerprintOf(await send(photo)));
  });

  it('in which content of one part looks like the start of another is not confused with two parts', () => {
    const head = 'Content-Disposition: form-data; name="a"\r\n\r\n';
    const one = written('x', `--x\r\n${head}1 --x\r\n${head}2\r\n--x--\r\n`);
    const two = written('x', `--x\r\n${head}1 \r\n--x\r\n${head}2\r\n--x--\r\n`);
    expect(fingerprintOf(one)).not.toBe(fingerprintOf(two));
  });

  it('may have its boundary in quotes', () => {
    const text = (boundary: string) =>
      `--${boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--${boundary}--\r\n`;
    expect(fingerprintOf(written('"a b"', text('a b')))).toBe(fingerprintOf(written('c', text('c'))));
  });

  it.each([
    [
      'without a boundary in its media type',
      { contentType: 'multipart/form-data', bytes: Buffer.from('--x\r\n\r\n--x--') },
    ],
    ['whose bytes have other boundaries', written('y', '--x\r\n\r\n1\r\n--x--\r\n')],
    ['that is empty', written('x', '')],
  ])('%s cannot be compared', (_what, body) => {
    expect(fingerprintOf(body)).toMatch(/^A multipart body/);
  });
});
