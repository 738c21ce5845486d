// One connection and its responses: keep-alive, pipelining, and destroying it too early.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { collectGarbage } from '../../packages/testing/src/adapter-suite/support/live-memory.js';
import {
  type CapturedExchange,
  type CaptureServer,
  capturedResponse,
  connectionClosed,
  nextLoopTurn,
  sendWhenEnded,
  startCaptureServer,
} from './support/capture-server.js';
import { listen, requestText } from './support/raw-http.js';

const keepAlive = requestText('POST', '1.1', []);
const countOf = (text: string, what: RegExp): number => text.match(what)?.length ?? 0;
// A dependency of Express, so every Express application has it.
const onFinished: (res: unknown, listener: () => void) => void = createRequire(
  createRequire(import.meta.url).resolve('express'),
)('on-finished');
const respondAndSend = (exchange: CapturedExchange): void => {
  void sendWhenEnded(exchange);
  exchange.res.end('x');
};
let wire: CaptureServer;
afterEach(() => wire.close());

describe('A destroy of the socket by application code', () => {
  it('between the end and the send is deferred until the response was sent', async () => {
    wire = await startCaptureServer(({ req, res }) => {
      res.end('x'.repeat(50_000));
      req.socket.destroy();
      res.socket?.destroy();
    });
    const client = await wire.connect(keepAlive);
    const { req, capture } = await wire.nextExchange();
    await nextLoopTurn();
    expect(req.socket.destroyed).toBe(false);
    await capture.send();
    expect(await client.closed).toBe('end');
    expect(client.received().toString()).toMatch(/x{50000}$/);
    expect(req.socket.destroy).toBe(Object.getPrototypeOf(req.socket).destroy);
  });

  it('is deferred until another response was sent, if this one is discarded', async () => {
    wire = await startCaptureServer(({ req, res }) => {
      res.end('x');
      req.socket.destroy();
    });
    const client = await wire.connect(keepAlive);
    const { res, capture } = await wire.nextExchange();
    expect(capture.discard()).toBe(true);
    await nextLoopTurn();
    res.end('other');
    await client.closed;
    expect(client.received().toString()).toMatch(/other$/);
  });

  it('is not deferred before the end, or while the response is being sent', async () => {
    wire = await startCaptureServer(() => {});
    const client = await wire.connect(keepAlive);
    const { req } = await wire.nextExchange();
    req.socket.destroy();
    await client.closed;
    const second = await wire.connect(keepAlive);
    const exchange = await wire.nextExchange();
    exchange.res.end('x'.repeat(50_000_000));
    await capturedResponse(exchange);
    second.socket.pause();
    const sent = exchange.capture.send();
    exchange.req.socket.destroy();
    expect(exchange.req.socket.destroyed).toBe(true);
    await sent;
  });

  it('waits for all responses that are held on the connection', async () => {
    wire = await startCaptureServer(({ res }) => res.end('x'));
    const client = await wire.connect(keepAlive + keepAlive);
    const [first, second] = [await wire.nextExchange(), await wire.nextExchange()];
    second.req.socket.destroy();
    await first.capture.send();
    await nextLoopTurn();
    expect(first.req.socket.destroyed).toBe(false);
    await second.capture.send();
    await client.closed;
    expect(countOf(client.received().toString(), /200 OK/g)).toBe(2);
  });

  it('is not deferred when the client has disconnected', async () => {
    wire = await startCaptureServer(({ res }) => res.end('x'));
    const client = await wire.connect(keepAlive);
    const { req, capture } = await wire.nextExchange();
    client.socket.destroy();
    await connectionClosed(req);
    await capture.send();
  });
});

describe('A connection', () => {
  it('serves one request after the other', async () => {
    wire = await startCaptureServer(respondAndSend);
    const client = await wire.connect(keepAlive);
    for (const count of [1, 2, 3]) {
      await client.untilReceived((text) => countOf(text, /\r\n\r\nx/g) === count);
      client.socket.write(keepAlive);
    }
  });

  it('keeps nothing of the responses that it has sent', async () => {
    wire = await startCaptureServer((exchange) => {
      void sendWhenEnded(exchange);
      onFinished(exchange.res, () => {});
      exchange.res.end('x');
    });
    const client = await wire.connect(keepAlive);
    const counts: number[] = [];
    const carried: WeakRef<object>[] = [];
    for (let served = 1; served <= 5; served++) {
      await client.untilReceived((text) => countOf(text, /\r\n\r\nx/g) === served);
      const { req, res } = await wire.nextExchange();
      carried.push(new WeakRef(res));
      await nextLoopTurn();
      counts.push(['close', 'error', 'drain'].reduce((sum, event) => sum + req.socket.listenerCount(event), 0));
      client.socket.write(keepAlive);
    }
    expect(new Set(counts).size).toBe(1);
    collectGarbage();
    await nextLoopTurn();
    collectGarbage();
    expect(carried.slice(0, 3).map((res) => res.deref())).toEqual([undefined, undefined, undefined]);
  });

  it('sends pipelined responses in order, held or streaming', async () => {
    let number = 0;
    wire = await startCaptureServer(({ res }) => {
      number += 1;
      if (number === 2) res.flushHeaders();
      res.end(`<${number}>`);
    });
    const client = await wire.connect(keepAlive.repeat(4));
    const exchanges = [
      await wire.nextExchange(),
      await wire.nextExchange(),
      await wire.nextExchange(),
      await wire.nextExchange(),
    ];
    for (const { capture } of exchanges.slice(1).reverse()) void capture.send();
    await nextLoopTurn();
    expect(client.received()).toHaveLength(0);
    await exchanges[0]?.capture.send();
    const text = await client.untilReceived((received) => received.includes('<4>'));
    expect(text.match(/<\d>/g)).toEqual(['<1>', '<2>', '<3>', '<4>']);
  });

  it('causes no leak warning when many requests are pipelined', async () => {
    const warnings: string[] = [];
    const warn = (warning: Error): void => void warnings.push(warning.message);
    process.on('warning', warn);
    wire = await startCaptureServer((exchange) => void setImmediate(respondAndSend, exchange));
    const client = await wire.connect(keepAlive.repeat(30));
    await client.untilReceived((text) => countOf(text, /200 OK/g) === 30);
    await nextLoopTurn();
    process.off('warning', warn);
    expect(warnings).toEqual([]);
  });

  it('that closes before a pipelined response gets the socket leaves nothing waiting', async () => {
    wire = await startCaptureServer(() => {}, { maxOutcomeBytes: 10 });
    const client = await wire.connect(keepAlive + keepAlive);
    const [first, second] = [await wire.nextExchange(), await wire.nextExchange()];
    const disconnected = connectionClosed(first.req);
    while (second.res.write('x'.repeat(10_000)));
    const drained = once(second.res, 'drain');
    client.socket.resetAndDestroy();
    await disconnected;
    await drained;
    expect(await capturedResponse(second)).toMatchObject({ body: null });
    await second.capture.send();
  });

  it('that closes before a pipelined response gets the socket is shown after its end, where plain Node shows it', async () => {
    const states: unknown[] = [];
    const responses: ServerResponse[] = [];
    const plain = await listen((_req, res) => void responses.push(res));
    wire = await startCaptureServer(({ res }) => void responses.push(res));
    for (const { connect: open } of [plain, wire]) {
      const client = await open(keepAlive + keepAlive);
      while (responses.length < 2) await nextLoopTurn();
      const [first, second] = responses.splice(0);
      const disconnected = first && connectionClosed(first.req);
      client.socket.resetAndDestroy();
      await disconnected;
      second?.end('x');
      states.push([second?.destroyed, second?.closed]);
    }
    expect(states[1]).toEqual([false, false]);
    await wire.nextExchange();
    const { res, capture } = await wire.nextExchange();
    await capture.send();
    await nextLoopTurn();
    expect([res.destroyed, res.closed]).toEqual(states[0]);
    await plain.close();
  });

  it.each(['aborted', 'error'])(
    'that closes lets the handler abort a pipelined response whose request was still arriving, by %s',
    async (event) => {
      wire = await startCaptureServer(({ req, res }) => req.on(event, (error?: Error) => res.destroy(error)));
      const client = await wire.connect(`${keepAlive}${requestText('POST', '1.1', ['Content-Length: 2'])}a`);
      const [, second] = [await wire.nextExchange(), await wire.nextExchange()];
      client.socket.resetAndDestroy();
      expect(await second.capture.ended).toBeNull();
    },
  );

  it('may be half-closed, by either side: the send still comes to an end', async () => {
    for (const side of ['client', 'server']) {
      wire = await startCaptureServer(() => {});
      const client = connect({ port: wire.port, host: '127.0.0.1', allowHalfOpen: true }).resume();
      client.write(keepAlive);
      const { req, res, capture } = await wire.nextExchange();
      const ended = once(req.socket, 'finish');
      if (side === 'client') client.end();
      else req.socket.end();
      await ended;
      res.end('x');
      await capture.ended;
      await capture.send();
      client.destroy();
      await wire.close();
    }
    wire = await startCaptureServer(() => {});
  });

  it('sends 100 Continue as plain Node does', async () => {
    wire = await startCaptureServer(respondAndSend);
    const client = await wire.connect(
      requestText('POST', '1.1', ['Expect: 100-continue', 'Content-Length: 2', 'Connection: close']),
    );
    await client.untilReceived((text) => text.includes('100 Continue'));
    client.socket.write('ab');
    await client.closed;
    expect(client.received().toString()).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK/);
  });
});
