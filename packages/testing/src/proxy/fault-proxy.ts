// A way to a server that fails as told: it loses requests or replies, goes silent, slows down, resets, leads elsewhere.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { type CloseMode, type LinkState, ProxyConnection, type ProxyFault } from './proxy-connection.js';

/**
 * A proxy for TCP connections on a loopback port. As with TCP, what arrives on a connection is a beginning of what was sent:
 * after a loss nothing more comes through.
 */
export interface FaultProxy {
  /** The address of the target, with this proxy's host and port in it. */
  readonly url: string;
  readonly port: number;
  /**
   * One fault, for the next bytes from a client that match; without a pattern, for the next ones. Resolves when it struck:
   * where a reply is lost, after that. The bytes are matched as they arrive, piece by piece, as latin1 text: look for words
   * near the beginning of a command. What arrives in the same piece shares its fate.
   */
  injectFault(fault: ProxyFault, on?: RegExp): Promise<void>;
  /**
   * Nothing arrives any more, in neither direction, and nobody is told: connections stay, and new ones are accepted. What
   * is sent meanwhile is lost for good, ends of connections too.
   */
  blackHole(): void;
  /** What is sent from now on arrives this much later, in each direction. Default: 0. */
  setDelay(ms: number): void;
  /**
   * No black hole, no delay, and no strike that is still to come: its promise stays pending. Connections that lost something
   * stay silent until one end closes; all others work, and so do new ones.
   */
  heal(): void;
  /** Ends all connections, in an orderly way (`fin`) or with a reset. Default: `fin`. */
  disconnectAll(how?: CloseMode): void;
  /** Ends all connections; new ones lead to this address. */
  retarget(url: string): void;
  /** Ends all connections and takes no new ones. */
  close(): Promise<void>;
}

/** Listens on a free port of the loopback, and passes everything on to `target`, a `redis://` address. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const link: LinkState = { isBlackHole: false, delayMs: 0, armedFaults: [] };
  const connections = new Set<ProxyConnection>();
  let targetAddress = parseAddress(target);
  const disconnectAll = (how: CloseMode = 'fin') => {
    for (const connection of connections) connection.end(how);
  };

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const counterpart = connect({ ...targetAddress, allowHalfOpen: true, noDelay: true });
    const connection = new ProxyConnection(client, counterpart, link);
    connections.add(connection);
    void connection.closed.then(() => connections.delete(connection));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = listeningPort(server.address());

  return {
    url: withPort(target, port),
    port,
    async injectFault(fault, pattern = /^/) {
      await new Promise<void>((onTriggered) => void link.armedFaults.push({ fault, pattern, onTriggered }));
    },
    blackHole() {
      link.isBlackHole = true;
    },
    setDelay(ms) {
      link.delayMs = ms;
    },
    heal() {
      link.isBlackHole = false;
      link.delayMs = 0;
      link.armedFaults.length = 0;
      for (const connection of connections) connection.heal();
    },
    disconnectAll,
    retarget(url) {
      targetAddress = parseAddress(url);
      disconnectAll();
    },
    async close() {
      if (!server.listening) return;
      server.close();
      for (const connection of connections) connection.destroy();
      await once(server, 'close');
    },
  };
}

function parseAddress(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 6379) };
}

function withPort(target: string, port: number): string {
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return url.href;
}

function listeningPort(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string')
    throw new TypeError(`A proxy listens on a port, not on ${address}`);
  return address.port;
}
