// Answers that flow: they leave while they are written, and only their end is held back.
import { once } from 'node:events';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from 'vitest';
import { answered, type CapturedWire, captured, closing, type Round, sendingOn, tick } from './support/captured.js';
import { parseAnswer, request } from './support/wire.js';

const MB = 1024 * 1024;
const keepAlive = request('POST', '1.1', []);
let wire: CapturedWire;
afterEach(() => wire.close());

/** Three ways to start flowing, with an answer of 'abc' in which at least the 'a' has left. */
const flowing: Record<string, (round: Round) => void> = {
  'with chunked coding': ({ res }) => res.flushHeaders(),
  'with a declared length': ({ res }) => res.setHeader('Content-Length', 3).flushHeaders(),
  'until the connection closes': ({ res }) => res.flushHeaders(),
};
const versionOf = (how: string): string => (how.startsWith('until') ? '1.0' : '1.1');

async function flow(how: string) {
  wire = await captured((round) => {
    flowing[how]?.(round);
    round.res.write('a');
    round.res.end('bc');
  });
  const client = await wire.open(request('POST', versionOf(how), []));
  const round = await wire.round();
  const sofar = how === 'with a declared length' ? /ab$/ : /bc(\r\n)?$/;
  await client.until((text) => sofar.test(text));
  return { client, round };
}

describe('A flowing answer', () => {
  it.each(Object.keys(flowing))('is not complete before it is sent (%s)', async (how) => {
    const { client, round } = await flow(how);
    const answer = await answered(round);
    expect(answer).toMatchObject({ flowing: true, body: Buffer.from('abc'), size: 3 });
    await tick();
    const before = client.received().toString();
    expect(client.socket.readyState).toBe('open');
    await round.capture.send([['X-Late', '1']]);
    const end = {
      'with chunked coding': '0\r\n\r\n',
      'with a declared length': 'c',
      'until the connection closes': '',
    }[how];
    const all = await client.until((text) => text.length === before.length + (end?.length ?? 0));
    expect(all).toBe(`${before}${end}`);
    if (how === 'until the connection closes') expect(await client.over).toBe('end');
  });

  it.each(Object.keys(flowing))('that is cut cannot be taken for a complete one (%s)', async (how) => {
    const { client, round } = await flow(how);
    await answered(round);
    expect(round.capture.withdraw()).toBe(false);
    round.capture.cut();
    const ended = await client.over;
    if (how === 'until the connection closes') expect(ended).toBe('ECONNRESET');
    if (how === 'with chunked coding') expect(() => parseAnswer(client.received())).toThrow('not complete');
    if (how === 'with a declared length')
      expect(client.received().toString()).toMatch(/Content-Length: 3\r\n(.*\r\n)*\r\nab$/);
  });

  it('that is cut before its end leaves nothing waiting, and stops its source', async () => {
    const source = Readable.from(endless());
    wire = await captured(({ res }) => pipeline(source, res).catch(() => {}));
    const client = await wire.open(keepAlive);
    const { capture } = await wire.round();
    await client.until((text) => text.length > 200_000);
    capture.cut();
    expect(await capture.ended).toBeNull();
    await client.over;
    if (!source.closed) await once(source, 'close');
  });

  it('that is cut takes the answers behind it on the connection with it', async () => {
    let number = 0;
    wire = await captured(({ res }) => {
      number += 1;
      if (number === 1) res.flushHeaders();
      res.end('x');
    });
    const client = await wire.open(keepAlive + keepAlive);
    const [first, second] = [await wire.round(), await wire.round()];
    await answered(second);
    first.capture.cut();
    await client.over;
    await second.capture.send();
  });

  it('arrives event by event', async () => {
    wire = await captured(({ res }) => res.setHeader('Content-Type', 'text/event-stream; charset=utf-8'));
    const client = await wire.open(keepAlive);
    const { res, capture } = await wire.round();
    for (const data of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']) {
      res.write(data);
      await client.until((text) => text.includes(data));
    }
    res.end();
    expect((await capture.ended)?.body?.toString()).toBe('data: 1\n\ndata: 2\n\ndata: 3\n\n');
  });

  it('shows its head at once when that is flushed', async () => {
    wire = await captured(({ res }) => res.writeHead(202, { 'X-A': '1' }).flushHeaders());
    const client = await wire.open(keepAlive);
    expect(await client.until((text) => text.endsWith('\r\n\r\n'))).toMatch(/^HTTP\/1.1 202 Accepted\r\nX-A: 1\r\n/);
  });

  it('keeps what was written before its head was flushed', async () => {
    wire = await captured(({ res }) => {
      res.write('a');
      res.flushHeaders();
      res.end('b');
    });
    const client = await wire.open(keepAlive);
    expect((await answered(await wire.round())).body?.toString()).toBe('ab');
    // Node 24 sends in one piece what is written in one go.
    await client.until((text) => /a(\r\n1\r\n)?b\r\n$/.test(text));
  });

  it('is not kept beyond maxResponseBytes, to the byte', async () => {
    let size = 10;
    wire = await captured(({ res }) => res.end('x'.repeat(size)), { maxResponseBytes: 10 });
    await wire.open(keepAlive);
    expect(await answered(await wire.round())).toMatchObject({ flowing: false, body: Buffer.alloc(10, 'x') });
    size = 11;
    await wire.open(keepAlive);
    expect(await answered(await wire.round())).toMatchObject({ flowing: true, body: null, size: 11 });
  });

  it('does not flow where its head alone would be a complete answer', async () => {
    wire = await captured(({ req, res }) => {
      if (req.method === 'POST') res.setHeader('Content-Length', 0);
      if (req.method === 'PUT') res.statusCode = 204;
      res.flushHeaders();
      res.end();
    });
    for (const method of ['HEAD', 'PUT', 'POST']) {
      const client = await wire.open(request(method, '1.1', []));
      const round = await wire.round();
      expect((await answered(round)).flowing).toBe(false);
      await tick();
      expect(client.received()).toHaveLength(0);
      await round.capture.send();
    }
  });

  it('loses the bytes beyond its declared length, which are no part of any answer', async () => {
    wire = await captured((round) => {
      void sendingOn(round);
      round.res.setHeader('Content-Length', 2).write('abc');
      round.res.end('d');
    });
    const client = await wire.open(keepAlive + keepAlive);
    const text = await client.until((so) => (so.match(/200 OK/g)?.length ?? 0) === 2 && so.endsWith('ab'));
    expect(text.match(/\r\n\r\nab/g)).toHaveLength(2);
  });
});

describe('50 MB flow', () => {
  it('only as fast as the client reads', async () => {
    let produced = 0;
    wire = await captured((round) => {
      void sendingOn(round);
      Readable.from(bytes(50 * MB, (so) => (produced = so))).pipe(round.res);
    });
    const client = connect(wire.port, '127.0.0.1').pause();
    client.write(request('POST'));
    await wire.round();
    const settled = await stillOf(() => produced);
    expect(settled).toBeLessThan(32 * MB);
    let received = 0;
    client.on('data', (chunk) => (received += chunk.length)).resume();
    await once(client, 'close');
    expect(received).toBeGreaterThan(50 * MB);
  });

  it.each(['to a client that reads', 'to a client that left', 'to a client that left, to which nothing had flowed'])(
    'with less than 32 MB of added memory, %s',
    async (how) => {
      const before = liveMemory();
      let most = 0;
      const watch = (): void => {
        most = Math.max(most, liveMemory() - before);
      };
      wire = await captured(() => {});
      const client = connect(wire.port, '127.0.0.1');
      client.write(request('POST'));
      const round = await wire.round();
      const gone = closing(round.req);
      if (how.endsWith('flowed')) client.destroy();
      else if (how.endsWith('left')) client.once('data', () => client.resetAndDestroy());
      else client.resume();
      if (client.destroyed) await gone;
      const source = Readable.from(bytes(50 * MB, watch));
      source.pipe(round.res);
      const { size, body, flowing } = await answered(round);
      expect([body, flowing]).toEqual([null, true]);
      // Nobody wants the rest of it.
      if (how.includes('left')) expect([size < 50 * MB, source.destroyed]).toEqual([true, true]);
      else expect(size).toBe(50 * MB);
      watch();
      await round.capture.send();
      expect(most).toBeLessThan(32 * MB);
    },
  );
});

async function* endless(): AsyncGenerator<Buffer> {
  for (;;) {
    yield Buffer.alloc(65_536);
    await tick();
  }
}

/** Fresh bytes, and every 5 MB a call with how many there were. */
async function* bytes(total: number, watch: (produced: number) => void): AsyncGenerator<Buffer> {
  for (let produced = 0; produced < total; produced += 65_536) {
    if (produced % (5 * MB) === 0) watch(produced);
    yield Buffer.alloc(65_536, 'x');
  }
}

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');
/** What is really in use, without what only waits for the garbage collector. */
function liveMemory(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The value once it has not changed for many turns of the event loop. */
async function stillOf(value: () => number): Promise<number> {
  let last = -1;
  for (let turns = 0; turns < 200; turns++) {
    if (value() !== last) turns = 0;
    last = value();
    await tick();
  }
  return last;
}
