// Mistakes of handlers on node:http. Each one notes how Node reacts.
import type { ServerResponse } from 'node:http';
import type { NoteFact, ResponseForm } from '../../../packages/testing/src/adapter-suite/node-forms/response-forms.js';

/** Calls `writeHead` with arguments that its types do not declare. */
const writeHead = (res: ServerResponse, ...args: unknown[]): unknown => Reflect.apply(res.writeHead, res, args);
/** Without a listener, plain Node would end the process. */
const noteErrors = (res: ServerResponse, note: NoteFact): void => {
  res.on('error', (error: NodeJS.ErrnoException) => note(`error ${error.code}`));
};
/** Notes the code of what `action` throws. */
const noteRefusal = (note: NoteFact, action: () => unknown): void => {
  try {
    action();
    note('accepted');
  } catch (error) {
    note(error instanceof Error && 'code' in error ? String(error.code) : String(error));
  }
};

/** The notes have Node's reactions. The client gets what the handler sends after them. */
export const handlerMistakes: Record<string, ResponseForm> = {
  'a status that is none': (res, note) => {
    res.statusCode = 99;
    noteRefusal(note, () => res.end('x'));
    note(`headersSent ${res.headersSent} ended ${res.writableEnded}`);
    res.statusCode = 500;
    res.end('mended');
  },
  'writeHead with a status that is none': (res, note) => {
    noteRefusal(note, () => res.writeHead(1000));
    res.end('mended');
  },
  'header names and values': (res, note) => {
    noteRefusal(note, () => res.setHeader('a b', '1'));
    noteRefusal(note, () => res.setHeader('X-A', 'a\nb'));
    noteRefusal(note, () => writeHead(res, 200, { 'X-A': undefined }));
    noteRefusal(note, () => res.writeHead(200, { 'X A': '1' }));
    noteRefusal(note, () => res.writeHead(200, ['X-A']));
    res.end('mended');
  },
  'a status that is out of range, with end alone': (res, note) => {
    for (const status of [1000, 20, Number.NaN, 'none']) {
      Reflect.set(res, 'statusCode', status);
      noteRefusal(note, () => res.end('x'));
    }
    res.statusCode = 500;
    res.end('mended');
  },
  'a status message with a line break, and end': (res, note) => {
    res.statusMessage = 'a\nb';
    noteRefusal(note, () => res.end('x'));
    res.statusMessage = 'fine';
    res.end('mended');
  },
  'a Trailer header, and end': (res, note) => {
    res.setHeader('Trailer', 'X').setHeader('Content-Length', 1);
    noteRefusal(note, () => res.end('x'));
    res.removeHeader('Trailer');
    res.end('x');
  },
  'a status message with a line break': (res, note) => {
    res.statusMessage = 'a\nb';
    noteRefusal(note, () => res.write('x'));
    res.statusMessage = 'fine';
    res.end('mended');
  },
  'chunks of a wrong type': (res, note) => {
    for (const chunk of [null, undefined, 7, {}, [1]]) noteRefusal(note, () => Reflect.apply(res.write, res, [chunk]));
    for (const chunk of [7, {}, true]) noteRefusal(note, () => Reflect.apply(res.end, res, [chunk]));
    note(`headersSent ${res.headersSent} ended ${res.writableEnded}`);
    res.statusCode = 500;
    res.end('mended');
  },
  'more bytes than a strict length': (res, note) => {
    noteErrors(res, note);
    res.strictContentLength = true;
    res.setHeader('Content-Length', 3);
    res.write('ab');
    noteRefusal(note, () => res.write('cd'));
    noteRefusal(note, () => res.end('cd'));
    res.end('c');
  },
  'fewer bytes than a strict length': (res, note) => {
    noteErrors(res, note);
    res.strictContentLength = true;
    res.setHeader('Content-Length', 3);
    res.write('ab');
    noteRefusal(note, () => res.end());
    note(`ended ${res.writableEnded}`);
    res.end('c');
  },
  trailers: (res, note) => {
    noteRefusal(note, () => res.addTrailers({ 'a b': '1' }));
    noteRefusal(note, () => res.addTrailers({ 'X-A': 'a\nb' }));
    res.end('x');
  },
  'a Trailer header without chunks': (res, note) => {
    res.setHeader('Trailer', 'X').setHeader('Content-Length', 1);
    noteRefusal(note, () => res.write('x'));
    res.removeHeader('Trailer');
    res.end('x');
  },
  'a Trailer header where chunks are excluded': (res, note) => {
    res.setHeader('Trailer', 'X').removeHeader('Transfer-Encoding');
    noteRefusal(note, () => res.write('x'));
    res.removeHeader('Trailer');
    res.end('x');
  },
  'a Trailer header where chunks are switched off': (res, note) => {
    res.useChunkedEncodingByDefault = false;
    res.setHeader('Trailer', 'X');
    noteRefusal(note, () => res.write('x'));
    res.removeHeader('Trailer');
    res.end('x');
  },
  'headers after the head': (res, note) => {
    res.write('a');
    noteRefusal(note, () => res.setHeader('X-A', '1'));
    noteRefusal(note, () => res.setHeaders(new Map([['X-A', '1']])));
    noteRefusal(note, () => res.appendHeader('X-A', '1'));
    noteRefusal(note, () => res.removeHeader('X-A'));
    noteRefusal(note, () => res.writeHead(500));
    res.statusCode = 500;
    res.statusMessage = 'Too Late';
    note(`headersSent ${res.headersSent}`);
    res.end('b');
  },
  'everything else after the end': async (res, note) => {
    noteErrors(res, note);
    const ended = new Promise<void>((resolve) => res.on('finish', () => resolve()));
    res.setHeader('X-A', '1').end('first');
    noteRefusal(note, () => res.writeHead(500));
    noteRefusal(note, () => res.flushHeaders());
    noteRefusal(note, () => res.addTrailers({ 'X-Sum': '1' }));
    noteRefusal(note, () => res.addTrailers({ 'a b': '1' }));
    noteRefusal(note, () => res.removeHeader('X-A'));
    res.end(() => note('waited for the first end'));
    res.end('second', () => note('second end called back'));
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
    noteRefusal(note, () => res.setHeader('X-A', '1'));
    res.statusCode = 500;
  },
};
