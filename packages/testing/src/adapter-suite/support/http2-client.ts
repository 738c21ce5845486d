// A request over HTTP/2 with the interface of one over HTTP/1, so that one suite tests both.
import { EventEmitter } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { type ClientHttp2Stream, connect } from 'node:http2';
import { connect as connectSocket } from 'node:net';

/** Ports on which a server speaks HTTP/2. */
export const http2Ports = new Set<number>();

export interface Http2Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string | string[] | number>;
  readonly body: Uint8Array | undefined;
}

/** One connection per request, as over HTTP/1. `destroy()` closes the connection. */
export function beginOverHttp2(port: number, sent: Http2Sent): ClientRequest {
  const socket = connectSocket(port, '127.0.0.1');
  const session = connect(`http://127.0.0.1:${port}`, { createConnection: () => socket }).on('error', () => {});
  const { 'transfer-encoding': _, connection: __, ...headers } = sent.headers;
  const stream = session.request({ ':method': sent.method, ':path': sent.path, ...headers });
  const outgoing = Object.assign(new EventEmitter(), { socket, destroy: () => session.destroy() });
  let isSettled = false;
  stream.on('error', (error) => {
    if (!isSettled) outgoing.emit('error', error);
    isSettled = true;
  });
  stream.once('response', (head, _flags, raw: string[] = []) => {
    isSettled = true;
    outgoing.emit('response', asIncoming(stream, head[':status'] ?? 0, raw));
  });
  stream.once('close', () => {
    if (!isSettled) outgoing.emit('error', new Error('socket hang up'));
    outgoing.emit('close');
    session.close();
  });
  stream.end(sent.body);
  return outgoing as unknown as ClientRequest;
}

function asIncoming(stream: ClientHttp2Stream, statusCode: number, raw: readonly string[]): IncomingMessage {
  const lines = pairs(raw).filter(([name]) => !name.startsWith(':'));
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of lines) {
    const before = headers[name];
    if (name === 'set-cookie') headers[name] = [before ?? [], value].flat();
    else headers[name] = before === undefined ? value : `${before}, ${value}`;
  }
  const rawTrailers: string[] = [];
  stream.once('trailers', (_trailers, _flags, given: string[] = []) => rawTrailers.push(...given));
  const face = { statusCode, statusMessage: '', headers, rawHeaders: lines.flat(), rawTrailers, complete: false };
  stream.once('end', () => Object.assign(stream, { complete: stream.rstCode === 0 }));
  return Object.assign(stream, face) as unknown as IncomingMessage;
}

function pairs(raw: readonly string[]): [name: string, value: string][] {
  return raw.flatMap((name, at): [string, string][] => (at % 2 === 0 ? [[name, raw[at + 1] ?? '']] : []));
}
