import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { type CaptureServer, nextLoopTurn, startCaptureServer } from './support/capture-server.js';
import { requestText } from './support/raw-http.js';

// A dependency of Express, so every Express application has it.
const ofExpress = createRequire(createRequire(import.meta.url).resolve('express'));
const onFinished: (res: unknown, listener: (error: Error | null) => void) => void = ofExpress('on-finished');

let wire: CaptureServer;
afterEach(() => wire.close());

describe('res.socket, as the handler sees it', () => {
  it('works like the real one', async () => {
    wire = await startCaptureServer(() => {});
    await wire.connect(requestText('POST'));
    const { req, res } = await wire.nextExchange();
    const pings: unknown[] = [];
    res.socket?.setNoDelay(true).setTimeout(60_000);
    res.socket?.once('ping', (what) => pings.push(what));
    req.socket.emit('ping', 1);
    expect(pings).toEqual([1]);
    expect(res.socket).toMatchObject({
      remoteAddress: '127.0.0.1',
      remotePort: req.socket.remotePort,
      timeout: 60_000,
    });
    expect(res.connection).toBe(res.socket);
    expect(res.socket).toBeInstanceOf(req.socket.constructor);
  });
});

describe('A handler that destroys its response', () => {
  it('before it has responded means that no response will come', async () => {
    wire = await startCaptureServer(() => {});
    const client = await wire.connect(requestText('POST'));
    const { res, capture } = await wire.nextExchange();
    const closed = new Promise<void>((resolve) => onFinished(res, () => resolve()));
    const broken = new Readable({ read: () => broken.destroy(new Error('the source broke')) });
    await expect(pipeline(broken, res)).rejects.toThrow('the source broke');
    expect(await capture.ended).toBeNull();
    await closed;
    await client.closed;
    expect(client.received()).toHaveLength(0);
  });

  it('after it has responded loses nothing', async () => {
    wire = await startCaptureServer(({ res }) => res.end('x').destroy());
    const client = await wire.connect(requestText('POST', '1.1', []));
    const { capture } = await wire.nextExchange();
    await nextLoopTurn();
    await capture.send();
    await client.closed;
    expect(client.received().toString()).toMatch(/\r\n\r\nx$/);
  });
});
