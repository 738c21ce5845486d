// The ways in which a handler on node:http can write the head of a response, each as one function.
import type { ServerResponse } from 'node:http';
import type { ResponseForm } from './response-forms.js';

/** Calls `writeHead` with arguments that its types do not declare. */
const writeHead = (res: ServerResponse, ...args: unknown[]): unknown => Reflect.apply(res.writeHead, res, args);

export const headForms: Record<string, ResponseForm> = {
  'writeHead(status)': (res) => res.writeHead(202).end('x'),
  'writeHead(status, reason)': (res) => res.writeHead(202, 'Taken').end('x'),
  'writeHead(status, empty reason)': (res) => res.writeHead(202, '').end('x'),
  'writeHead(status, headers)': (res) => res.writeHead(202, { 'X-A': '1', 'x-B': ['2', '3'], 'X-C': 4 }).end('x'),
  'writeHead(status, reason, headers)': (res) => res.writeHead(202, 'Taken', { 'X-A': '1' }).end('x'),
  'writeHead(status, undefined, headers)': (res) => res.writeHead(202, undefined, { 'X-A': '1' }).end('x'),
  'writeHead with a flat list': (res) => res.writeHead(200, ['X-A', '1', 'X-B', '2']).end('x'),
  'writeHead with a flat list that names a header twice': (res) =>
    res.writeHead(200, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'X-B', '2']).end('x'),
  'writeHead with a list of pairs': (res) => {
    writeHead(
      res,
      200,
      [
        ['X-A', '1'],
        ['X-B', ['2', '3']],
        ['X-A', '4'],
      ].sort(),
    );
    res.end('x');
  },
  'writeHead over headers that were set': (res) => {
    res.setHeader('X-A', 'old').setHeader('X-B', 'kept');
    res.writeHead(200, { 'x-a': 'new', 'X-C': 'added' }).end('x');
  },
  'writeHead with a flat list over headers that were set': (res) => {
    res.setHeader('X-A', 'old');
    res.writeHead(200, ['X-B', '1', 'X-B', '2', 'x-a', 'new']).end('x');
  },
  'writeHeader, the old name': (res) => {
    // Node 26 removed writeHeader.
    Reflect.apply(Reflect.get(res, 'writeHeader') ?? res.writeHead, res, [203]);
    res.end('x');
  },
  'writeHead and chunks': (res) => {
    res.writeHead(200, { 'Content-Type': 'text/plain' });
    res.write('a');
    res.end('b');
  },
  'setHeader with strings, numbers and lists': (res) => {
    res.setHeader('Set-Cookie', ['a=1', 'b=2']).setHeader('Link', ['<a>', '<b>']).setHeader('X-N', 7);
    res.end('x');
  },
  appendHeader: (res) => {
    res.setHeader('X-A', '1').appendHeader('x-a', '2').appendHeader('X-A', ['3', '4']).appendHeader('X-B', 'b');
    res.end('x');
  },
  'setHeaders(Headers)': (res) =>
    res
      .setHeaders(
        new Headers([
          ['X-A', '1'],
          ['Set-Cookie', 'a'],
          ['Set-Cookie', 'b'],
        ]),
      )
      .end('x'),
  'setHeaders(Map)': (res) => res.setHeaders(new Map([['X-A', '1']])).end('x'),
  removeHeader: (res) => {
    res.setHeader('X-A', '1').setHeader('X-B', '2').removeHeader('x-a');
    res.end('x');
  },
  'removeHeader of what Node would add': (res) => {
    for (const name of ['Date', 'Connection', 'Content-Length', 'Transfer-Encoding']) res.removeHeader(name);
    res.end('x');
  },
  'a header with bytes over 127': (res) => res.setHeader('X-A', 'é').end(Buffer.from('x')),
  'Content-Length': (res) => res.setHeader('Content-Length', 3).end('abc'),
  'Content-Length in writeHead, and chunks': (res) => {
    res.writeHead(200, { 'content-length': '3' });
    res.write('ab');
    res.end('c');
  },
  'Transfer-Encoding: chunked': (res) => {
    if (res.useChunkedEncodingByDefault && res.req.method !== 'HEAD') res.setHeader('Transfer-Encoding', 'chunked');
    res.end('abc');
  },
  'trailers after Content-Length was excluded': (res) => {
    res.removeHeader('Content-Length');
    res.addTrailers({ 'X-Sum': '1' });
    res.end('abc');
  },
  'Connection: close': (res) => res.setHeader('Connection', 'close').end('x'),
  strictContentLength: (res) => {
    res.strictContentLength = true;
    res.setHeader('Content-Length', 3);
    res.write('ab');
    res.end('c');
  },
  trailers: (res) => {
    res.write('a');
    res.addTrailers({ 'X-Sum': '1', 'X-More': ['2', '3'] });
    res.end();
  },
  'trailers as pairs, after the announcement of one': (res) => {
    if (res.useChunkedEncodingByDefault && res.req.method !== 'HEAD') res.setHeader('Trailer', 'X-Sum');
    res.addTrailers([['X-Sum', '1']]);
    res.end('abc');
  },
  'trailers after an empty body': (res) => {
    res.write('');
    res.addTrailers({ 'X-Sum': '0' });
    res.end();
  },
  'trailers that Node drops': (res) => {
    res.addTrailers({ 'X-Sum': '1' });
    res.end('abc');
  },
  'informational responses': (res) => {
    res.writeProcessing();
    res.writeEarlyHints({ link: '</a.css>; rel=preload', 'x-id': '1' });
    res.writeContinue();
    res.end('x');
  },
};
