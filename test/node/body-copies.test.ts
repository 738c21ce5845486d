// The body of a response is copied at most twice on its way from the handler's `end` to the store and to the wire.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createLifecycle } from '../../packages/core/src/http/index.js';
import { headerLines, nodeExchange } from '../../packages/core/src/node/index.js';
import { MemoryStore } from '../../packages/core/src/stores/memory/memory-store.js';
import { type CopyCounter, countCopiedBytes } from './support/copied-bytes.js';

const size = 512 * 1024;
const body = Buffer.alloc(size, 'onceguard ');
const text = body.toString('latin1');
/** Heads, the record's name and the like. */
const otherBytes = 16_384;

const forms: Record<string, (res: ServerResponse) => void> = {
  'bytes in one call of end': (res) => void res.end(body),
  'text in one call of end': (res) => void res.end(text),
  'many chunks': (res) => {
    for (let at = 0; at < size; at += 10_000) res.write(body.subarray(at, at + 10_000));
    res.end();
  },
  'many chunks of text': (res) => {
    for (let at = 0; at < size; at += 10_000) res.write(text.slice(at, at + 10_000));
    res.end();
  },
  'many small chunks': (res) => {
    for (let at = 0; at < size; at += 100) res.write(body.subarray(at, at + 100));
    res.end();
  },
};

/** Copies made until the store and the wire have the body, in lengths of the body. */
interface Copies {
  readonly toStore: number;
  readonly toWire: number;
}

let server: Server;
let counter: CopyCounter | undefined;
afterEach(() => {
  counter?.stop();
  server.close();
});

describe.each(['HTTP/1', 'HTTP/2'])('Over %s', (protocol) => {
  it.each(Object.keys(forms))('a body in %s is copied twice at most', async (form) => {
    const { toStore, toWire } = await copiesOf(protocol, (res) => forms[form]?.(res));
    // Once where the bytes may be used again by the handler, and once into the record.
    expect(toStore).toBe(2);
    expect(toWire).toBe(2);
  });
});

it('An empty body is copied nowhere', async () => {
  expect(await copiesOf('HTTP/1', (res) => void res.end())).toEqual({ toStore: 0, toWire: 0 });
});

it('The counter sees a further copy, whichever way it is made', () => {
  counter = countCopiedBytes();
  const target = Buffer.alloc(size);
  const copies: (() => unknown)[] = [
    () => Buffer.from(body),
    () => Buffer.concat([body]),
    () => body.copy(target),
    () => target.set(body),
    () => Uint8Array.prototype.slice.call(body),
    () => Buffer.copyBytesFrom(body),
    () => body.toString('latin1'),
  ];
  for (const [made, copy] of copies.entries()) {
    copy();
    expect(counter.bytes).toBe((made + 1) * size);
  }
  Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  expect(counter.bytes).toBe(copies.length * size);
});

async function copiesOf(protocol: string, respond: (res: ServerResponse) => void): Promise<Copies> {
  const copies = { toStore: Number.NaN, toWire: Number.NaN };
  const soFar = (): number => Math.round(((counter?.bytes ?? Number.NaN) - otherBytes / 2) / size) + 0;
  const store = new MemoryStore();
  const complete = store.complete.bind(store);
  store.complete = async (lease, completion) => {
    copies.toStore = soFar();
    return await complete(lease, completion);
  };
  const lifecycle = createLifecycle<IncomingMessage>({ store, scope: 'public' });
  const handle = (req: IncomingMessage, res: ServerResponse): void => {
    // Outer middleware gets what the capture sends.
    const { end } = res;
    res.end = (...args: never[]) => {
      copies.toWire = soFar();
      counter?.stop();
      return Reflect.apply(end, res, args);
    };
    const keyLines = headerLines(req, lifecycle.options.headerName);
    const runHandler = (): void => {
      counter = countCopiedBytes();
      respond(res);
    };
    const exchange = nodeExchange({
      req,
      res,
      keyLines,
      runHandler,
      originalUrl: '/',
      maxOutcomeBytes: 2 * size,
      storeName: store.name,
      parsedBody: () => undefined,
      passThrough: () => {},
      isUnrouted: () => false,
    });
    void lifecycle.handle(req, exchange);
  };
  const received = protocol === 'HTTP/1' ? await postHttp1(handle) : await postHttp2(handle);
  if (received.length > 0) expect(received.equals(body)).toBe(true);
  return copies;
}

type Handler = (req: IncomingMessage, res: ServerResponse) => void;

async function postHttp1(handle: Handler): Promise<Buffer> {
  server = createServer(handle);
  const url = `http://127.0.0.1:${await portOf(server)}/`;
  const response = await fetch(url, { method: 'POST', headers: { 'Idempotency-Key': 'k' } });
  return Buffer.from(await response.arrayBuffer());
}

async function postHttp2(handle: Handler): Promise<Buffer> {
  server = createHttp2Server(handle as never) as unknown as Server;
  const session = connectHttp2(`http://127.0.0.1:${await portOf(server)}`);
  const stream = session.request({ ':method': 'POST', 'idempotency-key': 'k' }, { endStream: true });
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(stream, 'close');
  session.close();
  return Buffer.concat(chunks);
}

async function portOf(listening: Server): Promise<number> {
  await once(listening.listen(0, '127.0.0.1'), 'listening');
  return (listening.address() as AddressInfo).port;
}
