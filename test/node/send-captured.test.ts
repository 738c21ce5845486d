import { afterEach, describe, expect, it } from 'vitest';
import {
  type CapturedExchange,
  type CaptureServer,
  type CaptureSetup,
  type Layer,
  nextLoopTurn,
  startCaptureServer,
} from './support/capture-server.js';
import { parseResponse, requestText } from './support/raw-http.js';

let wire: CaptureServer;
const startWith = async (handler: (exchange: CapturedExchange) => unknown, setup?: CaptureSetup): Promise<void> => {
  wire = await startCaptureServer(handler, setup);
};

afterEach(() => wire.close());

describe('send', () => {
  it('adds the extra headers, and sends only once', async () => {
    await startWith(({ res }) => res.setHeader('X-A', '1').end('x'));
    const client = await wire.connect(requestText('POST'));
    const { capture } = await wire.nextExchange();
    await Promise.all([capture.send([['X-B', ['2', '3']]]), capture.send([['X-C', '4']])]);
    await client.closed;
    expect(parseResponse(client.received()).headers).toEqual(['X-A: 1', 'X-B: 2', 'X-B: 3']);
  });

  it('restores every property', async () => {
    const mine = { value: (): boolean => true, writable: false, configurable: true, enumerable: false };
    let socket: PropertyDescriptor | undefined;
    const prepare: Layer = (_req, res, next) => {
      Object.defineProperty(res, 'flushHeaders', mine);
      socket = Object.getOwnPropertyDescriptor(res, 'socket');
      next();
    };
    await startWith(({ res }) => res.end('x'), {
      outside: [prepare],
      inside: [(_req, res, next) => next(void Object.assign(res, { end: res.end.bind(res), __onFinished: 'inner' }))],
    });
    const client = await wire.connect(requestText('POST'));
    const { res, req, capture } = await wire.nextExchange();
    const sent = capture.send();
    expect(Object.getOwnPropertyDescriptor(res, 'flushHeaders')).toEqual(mine);
    for (const name of ['write', 'end', 'writeHead', 'emit', 'destroy', '__onFinished']) {
      expect(Reflect.get(res, name)).toBe(Reflect.get(Object.getPrototypeOf(res), name));
    }
    const own = Object.getOwnPropertyNames(res);
    for (const name of ['headersSent', 'writableEnded', 'writableFinished', 'closed']) expect(own).not.toContain(name);
    expect(res.socket).toBe(req.socket);
    expect(Object.getOwnPropertyDescriptor(res, 'socket')).toEqual(socket);
    await sent;
    await client.closed;
  });

  it('reports an error, and closes the connection', async () => {
    const bad = (): never => {
      throw new Error('outer middleware is broken');
    };
    await startWith(({ res }) => res.end('x'), {
      outside: [(_req, res, next) => next(void Object.assign(res, { end: bad }))],
    });
    const client = await wire.connect(requestText('POST'));
    const { capture } = await wire.nextExchange();
    await capture.send();
    expect(await client.closed).toBe('end');
    expect(client.received()).toHaveLength(0);
    expect(wire.sendErrors).toEqual([new Error('outer middleware is broken')]);
  });

  it('does nothing if there is no response', async () => {
    await startWith(() => {});
    const client = await wire.connect(requestText('POST'));
    const { capture } = await wire.nextExchange();
    await capture.send();
    capture.endWithoutResponse();
    await capture.send();
    await nextLoopTurn();
    expect(client.received()).toHaveLength(0);
  });
});
