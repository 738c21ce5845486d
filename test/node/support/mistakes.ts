// What a handler on node:http can do wrong, and what it notes of what Node says to it.
import type { ServerResponse } from 'node:http';
import type { Form, Note } from './forms.js';

/** Calls `writeHead` in a form that its types do not know. */
const writeHead = (res: ServerResponse, ...args: unknown[]): unknown => Reflect.apply(res.writeHead, res, args);
/** Listens, because plain Node ends the process where nobody does. */
const noteErrors = (res: ServerResponse, note: Note): void => {
  res.on('error', (error: NodeJS.ErrnoException) => note(`error ${error.code}`));
};
/** Notes the code of what `action` throws. */
const refused = (note: Note, action: () => unknown): void => {
  try {
    action();
    note('accepted');
  } catch (error) {
    note(error instanceof Error && 'code' in error ? String(error.code) : String(error));
  }
};

/** Mistakes: what Node says to them, and what the client gets after all. */
export const mistakes: Record<string, Form> = {
  'a status that is none': (res, note) => {
    res.statusCode = 99;
    refused(note, () => res.end('x'));
    note(`headersSent ${res.headersSent} ended ${res.writableEnded}`);
    res.statusCode = 500;
    res.end('mended');
  },
  'writeHead with a status that is none': (res, note) => {
    refused(note, () => res.writeHead(1000));
    res.end('mended');
  },
  'header names and values': (res, note) => {
    refused(note, () => res.setHeader('a b', '1'));
    refused(note, () => res.setHeader('X-A', 'a\nb'));
    refused(note, () => writeHead(res, 200, { 'X-A': undefined }));
    refused(note, () => res.writeHead(200, { 'X A': '1' }));
    refused(note, () => res.writeHead(200, ['X-A']));
    res.end('mended');
  },
  'a status that is out of range, with end alone': (res, note) => {
    for (const status of [1000, 20, Number.NaN, 'none']) {
      Reflect.set(res, 'statusCode', status);
      refused(note, () => res.end('x'));
    }
    res.statusCode = 500;
    res.end('mended');
  },
  'a status message with a line break, and end': (res, note) => {
    res.statusMessage = 'a\nb';
    refused(note, () => res.end('x'));
    res.statusMessage = 'fine';
    res.end('mended');
  },
  'a Trailer header, and end': (res, note) => {
    res.setHeader('Trailer', 'X').setHeader('Content-Length', 1);
    refused(note, () => res.end('x'));
    res.removeHeader('Trailer');
    res.end('x');
  },
  'a status message with a line break': (res, note) => {
    res.statusMessage = 'a\nb';
    refused(note, () => res.write('x'));
    res.statusMessage = 'fine';
    res.end('mended');
  },
  'chunks of a wrong type': (res, note) => {
    for (const chunk of [null, undefined, 7, {}, [1]]) refused(note, () => Reflect.apply(res.write, res, [chunk]));
    for (const chunk of [7, {}, true]) refused(note, () => Reflect.apply(res.end, res, [chunk]));
    note(`headersSent ${res.headersSent} ended ${res.writableEnded}`);
    res.statusCode = 500;
    res.end('mended');
  },
  'more bytes than a strict length': (res, note) => {
    noteErrors(res, note);
    res.strictContentLength = true;
    res.setHeader('Content-Length', 3);
    res.write('ab');
    refused(note, () => res.write('cd'));
    refused(note, () => res.end('cd'));
    res.end('c');
  },
  'fewer bytes than a strict length': (res, note) => {
    noteErrors(res, note);
    res.strictContentLength = true;
    res.setHeader('Content-Length', 3);
    res.write('ab');
    refused(note, () => res.end());
    note(`ended ${res.writableEnded}`);
    res.end('c');
  },
  trailers: (res, note) => {
    refused(note, () => res.addTrailers({ 'a b': '1' }));
    refused(note, () => res.addTrailers({ 'X-A': 'a\nb' }));
    res.end('x');
  },
  'a Trailer header without chunks': (res, note) => {
    res.setHeader('Trailer', 'X').setHeader('Content-Length', 1);
    refused(note, () => res.write('x'));
    res.removeHeader('Trailer');
    res.end('x');
  },
  'a Trailer header where chunks are excluded': (res, note) => {
    res.setHeader('Trailer', 'X').removeHeader('Transfer-Encoding');
    refused(note, () => res.write('x'));
    res.removeHeader('Trailer');
    res.end('x');
  },
  'a Trailer header where chunks are switched off': (res, note) => {
    res.useChunkedEncodingByDefault = false;
    res.setHeader('Trailer', 'X');
    refused(note, () => res.write('x'));
    res.removeHeader('Trailer');
    res.end('x');
  },
  'headers after the head': (res, note) => {
    res.write('a');
    refused(note, () => res.setHeader('X-A', '1'));
    refused(note, () => res.setHeaders(new Map([['X-A', '1']])));
    refused(note, () => res.appendHeader('X-A', '1'));
    refused(note, () => res.removeHeader('X-A'));
    refused(note, () => res.writeHead(500));
    res.statusCode = 500;
    res.statusMessage = 'Too Late';
    note(`headersSent ${res.headersSent}`);
    res.end('b');
  },
  'everything else after the end': async (res, note) => {
    noteErrors(res, note);
    const ended = new Promise<void>((resolve) => res.on('finish', () => resolve()));
    res.setHeader('X-A', '1').end('first');
    refused(note, () => res.writeHead(500));
    refused(note, () => res.flushHeaders());
    refused(note, () => res.addTrailers({ 'X-Sum': '1' }));
    refused(note, () => res.addTrailers({ 'a b': '1' }));
    refused(note, () => res.removeHeader('X-A'));
    res.end(() => note('waited for the first end'));
    res.end('second', () => note('told of the second'));
    note(`${res.statusMessage} ${res.getHeader('x-a')} destroyed ${res.destroyed} closed ${res.closed}`);
    await ended;
  },
  'writes and ends after the end': async (res, note) => {
    noteErrors(res, note);
    res.end('first');
    note(`headersSent ${res.headersSent} ended ${res.writableEnded} finished ${res.finished}`);
    note(`${res.write('x', (error) => note(`write ${error && 'code' in error ? error.code : error}`))}`);
    res.end('second');
    res.end();
    refused(note, () => res.setHeader('X-A', '1'));
    res.statusCode = 500;
  },
};
