// Clients for the tests of the proxy: they neither reconnect nor retry, and show how their connection ended.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Redis } from 'ioredis';

/** A client that connects once and sends each command once. */
export async function plainClient(url: string, commandTimeout?: number): Promise<Redis> {
  const client = new Redis(url, {
    protocol: 2,
    disableClientInfo: true,
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    ...(commandTimeout === undefined ? {} : { commandTimeout }),
  });
  // The tests cause connection errors on purpose.
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** How the connection of a client ended: `FIN`, or the message of the error. */
export async function connectionEnd(client: Redis): Promise<string> {
  let error = 'FIN';
  client.once('error', ({ message }: Error) => {
    error = message;
  });
  await new Promise<void>((closed) => void client.once('close', closed));
  return error;
}

export interface PlainSocket {
  readonly socket: Socket;
  /** Everything received so far. */
  received(): string;
}

/** A bare connection, which stays open on this side when the other side ends. */
export async function plainSocket(url: string): Promise<PlainSocket> {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), allowHalfOpen: true });
  let text = '';
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1');
  });
  await once(socket, 'connect');
  return { socket, received: () => text };
}
