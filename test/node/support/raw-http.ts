// Servers and clients for the capture tests, with real sockets and the bytes on them.
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

export interface RawServer {
  readonly server: Server;
  readonly port: number;
  /** Opens a connection and writes `text` to it. */
  connect(text?: string): Promise<RawConnection>;
  /** The whole response to one request on its own connection, until the server closes it. */
  exchange(text: string): Promise<ParsedResponse>;
  close(): Promise<void>;
}

export interface RawConnection {
  readonly socket: Socket;
  /** All bytes received so far. */
  received(): Buffer;
  /** Resolves when the bytes received satisfy `test`, or when the connection is closed. */
  untilReceived(test: (text: string) => boolean): Promise<string>;
  /** Resolves when the connection is closed: with 'end' after a regular end, else with the code of the error. */
  readonly closed: Promise<string>;
}

export interface ParsedResponse {
  readonly informational: readonly string[];
  readonly statusLine: string;
  readonly headers: readonly string[];
  readonly body: Buffer;
  readonly trailers: readonly string[];
}

export async function listen(handler: RequestListener, server: Server = createServer()): Promise<RawServer> {
  server.on('request', handler);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const sockets: Socket[] = [];
  const open = async (text = ''): Promise<RawConnection> => {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    await once(socket, 'connect');
    socket.write(text);
    return connectionOn(socket);
  };
  return {
    server,
    port,
    connect: open,
    async exchange(text) {
      const client = await open(text);
      const how = await client.closed;
      if (how !== 'end') throw new Error(`the connection ended with ${how}`);
      return parseResponse(client.received(), text.startsWith('HEAD'));
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      server.closeIdleConnections();
      await once(server, 'close');
    },
  };
}

export function requestText(
  method: string,
  version = '1.1',
  headers: readonly string[] = ['Connection: close'],
): string {
  const host = version === '1.1' ? ['Host: here'] : [];
  return `${[`${method} /thing HTTP/${version}`, ...host, ...headers].join('\r\n')}\r\n\r\n`;
}

function connectionOn(socket: Socket): RawConnection {
  const chunks: Buffer[] = [];
  const received = (): Buffer => Buffer.concat(chunks);
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const closed = new Promise<string>((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once('close', () => resolve('end'));
  });
  const untilReceived = (test: (text: string) => boolean): Promise<string> =>
    new Promise((resolve) => {
      const look = (): void => {
        const text = received().toString('latin1');
        if (!test(text) && !socket.destroyed) return;
        socket.off('data', look);
        socket.off('close', look);
        resolve(text);
      };
      socket.on('data', look);
      socket.on('close', look);
      look();
    });
  return { socket, received, untilReceived, closed };
}

/** Parses the bytes of a response and removes the framing, so that responses with different framing can be compared. */
export function parseResponse(bytes: Buffer, isHead = false): ParsedResponse {
  const informational: string[] = [];
  let rest = bytes;
  for (;;) {
    const at = rest.indexOf('\r\n\r\n');
    if (at < 0) throw new Error(`no head in ${JSON.stringify(bytes.toString('latin1'))}`);
    const lines = rest.subarray(0, at).toString('latin1').split('\r\n');
    rest = rest.subarray(at + 4);
    const [statusLine = '', ...headers] = lines;
    if (!/^HTTP\/1\.1 (100|102|103) /.test(statusLine)) {
      return { informational, statusLine, ...removeFraming(headers, rest, isHead || / (204|304) /.test(statusLine)) };
    }
    informational.push(lines.join('\n'));
  }
}

const FRAMING = /^(content-length|transfer-encoding|connection|keep-alive):/i;

function removeFraming(
  lines: readonly string[],
  rest: Buffer,
  isBodyless: boolean,
): Omit<ParsedResponse, 'informational' | 'statusLine'> {
  const headers = lines.filter(
    (line) =>
      !/^date:/i.test(line) &&
      (isBodyless ? !/^(connection|keep-alive|transfer-encoding):/i.test(line) : !FRAMING.test(line)),
  );
  if (!lines.some((line) => /^transfer-encoding: chunked/i.test(line)) || isBodyless)
    return { headers, body: rest, trailers: [] };
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = rest.indexOf('\r\n', at);
    const size = Number.parseInt(rest.subarray(at, lineEnd).toString('latin1'), 16);
    if (lineEnd < 0 || Number.isNaN(size)) throw new Error('the chunked response is not complete');
    if (size === 0) {
      const trailers = rest
        .subarray(lineEnd + 2)
        .toString('latin1')
        .split('\r\n')
        .filter((line) => line !== '');
      return { headers, body: Buffer.concat(chunks), trailers };
    }
    chunks.push(rest.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}
