// Large responses stream in constant memory, as fast as the client reads.
import { once } from 'node:events';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { liveMemory } from '../../packages/testing/src/adapter-suite/support/live-memory.js';
import {
  type CaptureServer,
  capturedResponse,
  connectionClosed,
  nextLoopTurn,
  sendWhenEnded,
  startCaptureServer,
} from './support/capture-server.js';
import { requestText } from './support/raw-http.js';

const MB = 1024 * 1024;
let wire: CaptureServer;
afterEach(() => wire.close());

describe('50 MB are streamed', () => {
  it('only as fast as the client reads', async () => {
    let produced = 0;
    wire = await startCaptureServer((exchange) => {
      void sendWhenEnded(exchange);
      Readable.from(bytes(50 * MB, (count) => (produced = count))).pipe(exchange.res);
    });
    const client = connect(wire.port, '127.0.0.1').pause();
    client.write(requestText('POST'));
    await wire.nextExchange();
    const settled = await untilStable(() => produced);
    expect(settled).toBeLessThan(32 * MB);
    let received = 0;
    client.on('data', (chunk) => (received += chunk.length)).resume();
    await once(client, 'close');
    expect(received).toBeGreaterThan(50 * MB);
  });

  it.each(['to a client that reads', 'to a client that disconnects', 'to a client that had disconnected before'])(
    'with less than 32 MB of added memory, %s',
    async (how) => {
      const before = liveMemory();
      let most = 0;
      const watch = (): void => {
        most = Math.max(most, liveMemory() - before);
      };
      wire = await startCaptureServer(() => {});
      const client = connect(wire.port, '127.0.0.1');
      client.write(requestText('POST'));
      const exchange = await wire.nextExchange();
      const disconnected = connectionClosed(exchange.req);
      if (how.endsWith('before')) client.destroy();
      else if (how.endsWith('disconnects')) client.once('data', () => client.resetAndDestroy());
      else client.resume();
      if (client.destroyed) await disconnected;
      const source = Readable.from(bytes(50 * MB, watch));
      source.pipe(exchange.res);
      const { size, body, isStreaming } = await capturedResponse(exchange);
      expect([body, isStreaming]).toEqual([null, true]);
      // Nobody needs the rest of it.
      if (!how.endsWith('reads')) expect([size < 50 * MB, source.destroyed]).toEqual([true, true]);
      else expect(size).toBe(50 * MB);
      watch();
      await exchange.capture.send();
      expect(most).toBeLessThan(32 * MB);
    },
  );
});

/** New bytes. Calls `watch` with their number so far, every 5 MB. */
async function* bytes(total: number, watch: (produced: number) => void): AsyncGenerator<Buffer> {
  for (let produced = 0; produced < total; produced += 65_536) {
    if (produced % (5 * MB) === 0) watch(produced);
    yield Buffer.alloc(65_536, 'x');
  }
}

/** The value, when it has not changed for many iterations of the event loop. */
async function untilStable(value: () => number): Promise<number> {
  let last = -1;
  for (let iterations = 0; iterations < 200; iterations++) {
    if (value() !== last) iterations = 0;
    last = value();
    await nextLoopTurn();
  }
  return last;
}
