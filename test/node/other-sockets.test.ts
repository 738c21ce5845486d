// Responses without Node's own server: what replaces their sockets has some members of a socket, or none.
import { EventEmitter, once } from 'node:events';
import { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type Capture, captureResponse } from '../../packages/core/src/node/index.js';
import { capturedResponse } from './support/capture-server.js';

/** What wrappers pass to a request instead of a socket. */
const substituteSockets: Record<string, () => unknown> = {
  nothing: () => undefined,
  null: () => null,
  'a plain object': () => ({ encrypted: true, readable: false, remoteAddress: '192.0.2.1' }),
  'an object with methods that do nothing': () => ({ on() {}, destroy() {}, write: () => true, writable: true }),
  'an event emitter': () => new EventEmitter(),
  'a stream': () => new PassThrough(),
};

/** As wrappers around Lambda functions create it: keeps everything that is sent, with the head. */
class RecordingResponse extends ServerResponse {
  sent = '';

  constructor(req: IncomingMessage) {
    super({ method: req.method } as IncomingMessage);
    this.useChunkedEncodingByDefault = false;
    const write = (data: Uint8Array | string, encoding: BufferEncoding, done?: () => void): boolean => {
      this.sent += typeof data === 'string' ? Buffer.from(data, encoding).toString() : Buffer.from(data).toString();
      done?.();
      return true;
    };
    const none = () => {};
    this.assignSocket({
      _writableState: {},
      writable: true,
      on: none,
      removeListener: none,
      destroy: none,
      cork: none,
      uncork: none,
      write,
    } as never);
  }
}

function begin(name: string): { res: RecordingResponse; capture: Capture } {
  const req = Object.assign(new IncomingMessage(substituteSockets[name]?.() as Socket), {
    method: 'POST',
    complete: true,
  });
  const res = new RecordingResponse(req);
  return { res, capture: captureResponse(req, res, { maxOutcomeBytes: 100 }) };
}

describe.each(Object.keys(substituteSockets))('With %s in place of a socket', (name) => {
  it('a response is held until it is sent', async () => {
    const { res, capture } = begin(name);
    res.setHeader('X-Made', 'here').end('é');
    expect(await capturedResponse({ capture })).toMatchObject({ status: 200, body: Buffer.from('é') });
    expect(res.sent).toBe('');
    const finished = once(res, 'finish');
    await capture.send();
    await finished;
    expect(res.sent).toMatch(/^HTTP\/1.1 200 OK\r\nX-Made: here\r\n[\s\S]*\r\n\r\né$/);
  });

  it('a large response streams, all but its end', async () => {
    const { res, capture } = begin(name);
    res.write('x'.repeat(200));
    res.end('end');
    expect(await capture.ended).toMatchObject({ body: null, size: 203 });
    await capture.send();
    expect(res.sent).toMatch(/x{200}end$/);
  });

  it('a response can be discarded, and another one sent', async () => {
    const { res, capture } = begin(name);
    res.writeHead(500).end('x');
    expect(capture.discard()).toBe(true);
    res.end('other');
    expect(res.sent).toMatch(/^HTTP\/1.1 200 OK[\s\S]*other$/);
  });

  it('an aborted response emits an error: no socket would do so', async () => {
    const { res, capture } = begin(name);
    const failed = once(res, 'error');
    capture.endWithoutResponse();
    expect(await capture.ended).toBeNull();
    capture.abort();
    expect(await failed).toMatchObject([{ message: 'The response was aborted.' }]);
  });

  it('a destroy of the socket does no harm', async () => {
    const { res, capture } = begin(name);
    res.end('x');
    res.destroy();
    await capture.send();
    expect(res.sent).toMatch(/x$/);
  });
});
