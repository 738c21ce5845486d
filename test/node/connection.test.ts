// One connection and the answers on it: keep-alive, pipelining, and destroying it too early.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { collectGarbage } from '../support/live-memory.js';
import { answered, type CapturedWire, captured, closing, type Round, sendingOn, tick } from './support/captured.js';
import { listen, request } from './support/wire.js';

const keepAlive = request('POST', '1.1', []);
const countOf = (text: string, what: RegExp): number => text.match(what)?.length ?? 0;
// A dependency of Express, as every Express application has it.
const onFinished: (res: unknown, listener: () => void) => void = createRequire(
  createRequire(import.meta.url).resolve('express'),
)('on-finished');
const answering = (round: Round): void => {
  void sendingOn(round);
  round.res.end('x');
};
let wire: CapturedWire;
afterEach(() => wire.close());

describe('A destroy of the socket by application code', () => {
  it('between the end and the send is put off until the answer is out', async () => {
    wire = await captured(({ req, res }) => {
      res.end('x'.repeat(50_000));
      req.socket.destroy();
      res.socket?.destroy();
    });
    const client = await wire.open(keepAlive);
    const { req, capture } = await wire.round();
    await tick();
    expect(req.socket.destroyed).toBe(false);
    await capture.send();
    expect(await client.over).toBe('end');
    expect(client.received().toString()).toMatch(/x{50000}$/);
    expect(Object.hasOwn(req.socket, 'destroy')).toBe(false);
  });

  it('is put off until another answer is out, if this one is withdrawn', async () => {
    wire = await captured(({ req, res }) => {
      res.end('x');
      req.socket.destroy();
    });
    const client = await wire.open(keepAlive);
    const { res, capture } = await wire.round();
    expect(capture.withdraw()).toBe(true);
    await tick();
    res.end('other');
    await client.over;
    expect(client.received().toString()).toMatch(/other$/);
  });

  it('is not put off before the end, or while the answer is leaving', async () => {
    wire = await captured(() => {});
    const client = await wire.open(keepAlive);
    const { req } = await wire.round();
    req.socket.destroy();
    await client.over;
    const second = await wire.open(keepAlive);
    const round = await wire.round();
    round.res.end('x'.repeat(50_000_000));
    await answered(round);
    second.socket.pause();
    const sent = round.capture.send();
    round.req.socket.destroy();
    expect(round.req.socket.destroyed).toBe(true);
    await sent;
  });

  it('waits for all answers that are held on the connection', async () => {
    wire = await captured(({ res }) => res.end('x'));
    const client = await wire.open(keepAlive + keepAlive);
    const [first, second] = [await wire.round(), await wire.round()];
    second.req.socket.destroy();
    await first.capture.send();
    await tick();
    expect(first.req.socket.destroyed).toBe(false);
    await second.capture.send();
    await client.over;
    expect(countOf(client.received().toString(), /200 OK/g)).toBe(2);
  });

  it('goes through when the client has gone', async () => {
    wire = await captured(({ res }) => res.end('x'));
    const client = await wire.open(keepAlive);
    const { req, capture } = await wire.round();
    client.socket.destroy();
    await closing(req);
    await capture.send();
  });
});

describe('A connection', () => {
  it('serves one request after the other', async () => {
    wire = await captured(answering);
    const client = await wire.open(keepAlive);
    for (const count of [1, 2, 3]) {
      await client.until((text) => countOf(text, /\r\n\r\nx/g) === count);
      client.socket.write(keepAlive);
    }
  });

  it('keeps nothing of the answers that it has carried', async () => {
    wire = await captured((round) => {
      void sendingOn(round);
      onFinished(round.res, () => {});
      round.res.end('x');
    });
    const client = await wire.open(keepAlive);
    const counts: number[] = [];
    const carried: WeakRef<object>[] = [];
    for (let served = 1; served <= 5; served++) {
      await client.until((text) => countOf(text, /\r\n\r\nx/g) === served);
      const { req, res } = await wire.round();
      carried.push(new WeakRef(res));
      await tick();
      counts.push(['close', 'error', 'drain'].reduce((sum, event) => sum + req.socket.listenerCount(event), 0));
      client.socket.write(keepAlive);
    }
    expect(new Set(counts).size).toBe(1);
    collectGarbage();
    await tick();
    collectGarbage();
    expect(carried.slice(0, 3).map((res) => res.deref())).toEqual([undefined, undefined, undefined]);
  });

  it('answers pipelined requests in order, held or flowing', async () => {
    let number = 0;
    wire = await captured(({ res }) => {
      number += 1;
      if (number === 2) res.flushHeaders();
      res.end(`<${number}>`);
    });
    const client = await wire.open(keepAlive.repeat(4));
    const rounds = [await wire.round(), await wire.round(), await wire.round(), await wire.round()];
    for (const { capture } of rounds.slice(1).reverse()) void capture.send();
    await tick();
    expect(client.received()).toHaveLength(0);
    await rounds[0]?.capture.send();
    const text = await client.until((so) => so.includes('<4>'));
    expect(text.match(/<\d>/g)).toEqual(['<1>', '<2>', '<3>', '<4>']);
  });

  it('warns of no leak when many requests are pipelined', async () => {
    const warnings: string[] = [];
    const warn = (warning: Error): void => void warnings.push(warning.message);
    process.on('warning', warn);
    wire = await captured((round) => void setImmediate(answering, round));
    const client = await wire.open(keepAlive.repeat(30));
    await client.until((text) => countOf(text, /200 OK/g) === 30);
    await tick();
    process.off('warning', warn);
    expect(warnings).toEqual([]);
  });

  it('that closes before the turn of a pipelined answer leaves nothing waiting', async () => {
    wire = await captured(() => {}, { maxResponseBytes: 10 });
    const client = await wire.open(keepAlive + keepAlive);
    const [first, second] = [await wire.round(), await wire.round()];
    const gone = closing(first.req);
    while (second.res.write('x'.repeat(10_000)));
    const drained = once(second.res, 'drain');
    client.socket.resetAndDestroy();
    await gone;
    await drained;
    expect(await answered(second)).toMatchObject({ body: null });
    await second.capture.send();
  });

  it('that closes before the turn of a pipelined answer is shown when that is through, where plain Node shows it', async () => {
    const states: unknown[] = [];
    const responses: ServerResponse[] = [];
    const plain = await listen((_req, res) => void responses.push(res));
    wire = await captured(({ res }) => void responses.push(res));
    for (const { open } of [plain, wire]) {
      const client = await open(keepAlive + keepAlive);
      while (responses.length < 2) await tick();
      const [first, second] = responses.splice(0);
      const gone = first && closing(first.req);
      client.socket.resetAndDestroy();
      await gone;
      second?.end('x');
      states.push([second?.destroyed, second?.closed]);
    }
    expect(states[1]).toEqual([false, false]);
    await wire.round();
    const { res, capture } = await wire.round();
    await capture.send();
    await tick();
    expect([res.destroyed, res.closed]).toEqual(states[0]);
    await plain.close();
  });

  it.each(['aborted', 'error'])(
    'that closes lets the handler give up a pipelined answer whose request was still arriving, by %s',
    async (event) => {
      wire = await captured(({ req, res }) => req.on(event, (error?: Error) => res.destroy(error)));
      const client = await wire.open(`${keepAlive}${request('POST', '1.1', ['Content-Length: 2'])}a`);
      const [, second] = [await wire.round(), await wire.round()];
      client.socket.resetAndDestroy();
      expect(await second.capture.ended).toBeNull();
    },
  );

  it('may be half-closed, by either side: the send still comes to an end', async () => {
    for (const side of ['client', 'server']) {
      wire = await captured(() => {});
      const client = connect({ port: wire.port, host: '127.0.0.1', allowHalfOpen: true }).resume();
      client.write(keepAlive);
      const { req, res, capture } = await wire.round();
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
    wire = await captured(() => {});
  });

  it('tells an expectation to go on as plain Node does', async () => {
    wire = await captured(answering);
    const client = await wire.open(
      request('POST', '1.1', ['Expect: 100-continue', 'Content-Length: 2', 'Connection: close']),
    );
    await client.until((text) => text.includes('100 Continue'));
    client.socket.write('ab');
    await client.over;
    expect(client.received().toString()).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK/);
  });
});
