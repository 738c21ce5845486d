// Starts an application of any framework on a loopback port.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { AppSpec, Framework, Listener, Transport } from './framework.js';
import { http2Ports } from './support/http2-client.js';

export interface RunningApp {
  readonly port: number;
  readonly server: Server;
  /** The connections in the order in which they arrived. A handler may see a proxy in place of its socket. */
  readonly sockets: readonly Socket[];
  close(): Promise<void>;
}

/** Starts an application on a free loopback port. */
export async function start(framework: Framework, spec: AppSpec): Promise<RunningApp> {
  const made = await framework.listener(spec);
  if (typeof made === 'function') return await serve(made, framework.transport);
  const app = await serve(made.listener, framework.transport);
  const close = async () => {
    await app.close();
    await made.close();
  };
  return { ...app, close };
}

export async function serve(listener: Listener, transport: Transport = 'HTTP/1'): Promise<RunningApp> {
  if (transport === 'HTTP/2') return await serveHttp2(listener);
  const server = createServer((req, res) => void listener(req, res));
  const sockets = socketsOf(server);
  const port = await listen(server);
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { port, server, sockets, close };
}

async function serveHttp2(listener: Listener): Promise<RunningApp> {
  const sessions = new Set<ServerHttp2Session>();
  const http2Server = createHttp2Server((req, res) => {
    void listener(req as unknown as IncomingMessage, res as unknown as ServerResponse);
  });
  http2Server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  const server = http2Server as unknown as Server;
  const sockets = socketsOf(server);
  const port = await listen(server);
  http2Ports.add(port);
  const close = async () => {
    for (const session of sessions) session.destroy();
    server.close();
    await once(server, 'close');
    http2Ports.delete(port);
  };
  return { port, server, sockets, close };
}

function socketsOf(server: Server): Socket[] {
  const sockets: Socket[] = [];
  server.on('connection', (socket: Socket) => sockets.push(socket));
  return sockets;
}

async function listen(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}
