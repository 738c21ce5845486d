// The ways in which a handler on node:http can write a response, each as one function.
import { createReadStream } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Notes what the handler sees, so that it can be compared, too. */
export type NoteFact = (what: string) => void;
export type ResponseForm = (res: ServerResponse, note: NoteFact) => unknown;

/** A file that exists on every machine. */
const file = () => createReadStream(process.execPath, { end: 140_000 });

const nextLoopTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
export const endForms: Record<string, ResponseForm> = {
  'end alone': (res) => res.end(),
  'end with a string': (res) => res.end('hé'),
  'end with an empty string': (res) => res.end(''),
  'end with a Buffer': (res) => res.end(Buffer.from([0, 255, 128])),
  'end with an empty Buffer': (res) => res.end(Buffer.alloc(0)),
  'end with a Uint8Array of a larger memory': (res) =>
    res.end(new Uint8Array(Buffer.from('0123456789')).subarray(2, 5)),
  'end with latin1': (res) => res.end('hé', 'latin1'),
  'end with hex': (res) => res.end('68e9', 'hex'),
  'end with a callback': (res, note) => res.end(() => note('end called back')),
  'end with a string and a callback': (res, note) => res.end('x', () => note('end called back')),
  'end with a string, an encoding and a callback': (res, note) => res.end('eA==', 'base64', () => note('called back')),
  "a listener to 'finish'": (res, note) => res.on('finish', () => note('finish')).end('x'),
  'end after the handler has returned': async (res) => {
    await nextLoopTurn();
    res.end('later');
  },
  'a status code': (res) => {
    res.statusCode = 418;
    res.end('x');
  },
  'a status message': (res) => {
    res.statusCode = 201;
    res.statusMessage = 'Made It';
    res.end('x');
  },
  'a status message that is the usual one': (res) => {
    res.statusCode = 201;
    res.statusMessage = 'Created';
    res.end('x');
  },
  'a status as text, and one with a fraction': (res) => {
    Reflect.set(res, 'statusCode', res.req.method === 'HEAD' ? 201.7 : '201');
    res.end('x');
  },
  'a status without a usual message': (res) => {
    res.statusCode = 299;
    res.end('x');
  },
  '204 with a body': (res) => {
    res.statusCode = 204;
    res.end('dropped');
  },
  '304 with a length': (res) => res.writeHead(304, { ETag: '"a"', 'Content-Length': 5 }).end(),
};

export const writeForms: Record<string, ResponseForm> = {
  'write in every encoding': (res) => {
    res.write('hé');
    res.write('é', 'latin1');
    res.write('é', 'binary');
    res.write('616263', 'hex');
    res.write('eHl6', 'base64');
    res.write('eHl6', 'base64url');
    res.write('é', 'utf16le');
    res.write('é', 'ucs2');
    res.write('a', 'ascii');
    res.end();
  },
  'write with callbacks': async (res, note) => {
    await new Promise<void>((resolve) => res.write('a', () => resolve()));
    await new Promise<void>((resolve) => res.write('62', 'hex', () => resolve()));
    note('both called back');
    res.end('c');
  },
  'write of nothing': (res) => {
    res.write('');
    res.write(Buffer.alloc(0));
    res.end('x');
  },
  'write and end with bytes': (res) => {
    res.write(Buffer.from('a'));
    res.write(new Uint8Array([98]));
    res.end('c');
  },
  'a Buffer that is used again once it counts as written': async (res) => {
    const buffer = Buffer.from('first-');
    await new Promise<void>((resolve) => res.write(buffer, () => resolve()));
    buffer.fill('second');
    res.end(buffer);
  },
  'cork and uncork': (res) => {
    res.cork();
    res.write('a');
    res.write('b');
    res.uncork();
    res.end('c');
  },
  'a file, piped': (res) => file().pipe(res),
  'a file, in a pipeline': async (res, note) => {
    await pipeline(file(), res);
    note('pipeline is through');
  },
  'a stream of strings, in a pipeline': async (res, note) => {
    await pipeline(Readable.from(['a', 'b', 'c']), res);
    note('pipeline is through');
  },
  flushHeaders: async (res) => {
    res.setHeader('X-Early', '1');
    res.flushHeaders();
    await nextLoopTurn();
    res.write('a');
    res.end('b');
  },
  'flushHeaders and nothing else': (res) => {
    res.flushHeaders();
    res.end();
  },
  'flushHeaders with a length': (res) => {
    res.setHeader('Content-Length', 3);
    res.flushHeaders();
    res.write('ab');
    res.end('c');
  },
  'an event stream': async (res) => {
    res.setHeader('Content-Type', 'text/event-stream');
    res.write('data: 1\n\n');
    await nextLoopTurn();
    res.write('data: 2\n\n');
    res.end();
  },
  'more than is held': (res) => {
    for (let i = 0; i < 5; i++) res.write('x'.repeat(100_000));
    res.end('y');
  },
  'more than is held, corked': (res) => {
    res.cork();
    res.write('x'.repeat(500_000));
    res.end();
  },
  'more than is held, in one go': (res) => res.end('x'.repeat(500_000)),
  'more than is held, with a length': (res) => {
    res.setHeader('Content-Length', 500_000);
    for (let i = 0; i < 5; i++) res.write('x'.repeat(100_000));
    res.end();
  },
};

/** From Node 22 on, plain Node sends the end of these responses before their last chunk. */
export const corkForms: Record<string, ResponseForm> = {
  'cork without uncork': (res) => {
    res.cork();
    res.write('a');
    res.end('b');
  },
  'cork without uncork, of a head that was flushed': (res) => {
    res.flushHeaders();
    res.cork();
    res.write('a');
    res.end('b');
  },
};
