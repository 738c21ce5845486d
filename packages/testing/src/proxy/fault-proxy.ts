// startFaultProxy: a TCP proxy that loses requests or replies, goes silent, delays, resets or redirects connections on demand.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { type CloseMode, type LinkState, ProxyConnection, type ProxyFault } from './proxy-connection.js';

/**
 * A proxy for TCP connections on a loopback port. As with TCP, the bytes that arrive on a connection are a prefix of the bytes that were
 * sent: after a loss nothing more comes through.
 */
export interface FaultProxy {
  /** The target's URL, with the host and port of this proxy. */
  readonly url: string;
  readonly port: number;
  /**
   * Injects one fault at the next bytes of a client that match `pattern`; without a pattern, at the next bytes. Resolves when the fault
   * has happened; if a reply is to be lost, after its loss. The proxy matches each chunk of bytes as it arrives, as latin1 text. So match
   * words near the beginning of a command. The fault affects everything in that chunk.
   */
  injectFault(fault: ProxyFault, pattern?: RegExp): Promise<void>;
  /**
   * From now on the proxy drops everything in both directions without a sign: connections stay open, and new ones are accepted. What is
   * sent meanwhile is lost for good, also the end of a connection.
   */
  blackHole(): void;
  /** Delays everything that is sent from now on by `ms` milliseconds, in each direction. Default: 0. */
  setDelay(ms: number): void;
  /**
   * Ends a black hole and a delay, and drops faults that have not happened yet; their promises stay pending. Connections that lost bytes
   * stay silent until one end closes them. All other connections work, and so do new ones.
   */
  heal(): void;
  /** Closes all connections: orderly (`fin`) or with a reset (`reset`). Default: `fin`. */
  disconnectAll(mode?: CloseMode): void;
  /** Closes all connections, and connects new ones to the server with this URL. */
  retarget(url: string): void;
  /** Closes all connections and accepts no new ones. */
  close(): Promise<void>;
}

/**
 * Starts a proxy on a free port of the loopback interface. It passes everything on to `target`, a `redis://` URL.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict';
 * import { executeIdempotently } from '@onceguard/core';
 * import { RedisStore } from '@onceguard/core/redis';
 * import { startFaultProxy, startRedis } from '@onceguard/testing';
 *
 * const redis = await startRedis();
 * const proxy = await startFaultProxy(redis.url);
 * const store = await RedisStore.connect(proxy.url);
 * const lost = proxy.injectFault('lose_reply', /evalsha/i); // the next script runs, and its reply is lost
 * const { kind } = await executeIdempotently(() => 'charged', { store, scope: 'shop', key: 'order-1' });
 * await lost;
 * assert.equal(kind, 'executed');
 * await store.close();
 * await proxy.close();
 * await redis.stop();
 * ```
 */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const link: LinkState = { isBlackHole: false, delayMs: 0, armedFaults: [] };
  const connections = new Set<ProxyConnection>();
  let targetAddress = parseAddress(target);
  const disconnectAll = (mode: CloseMode = 'fin') => {
    for (const connection of connections) connection.end(mode);
  };

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = connect({ ...targetAddress, allowHalfOpen: true, noDelay: true });
    const connection = new ProxyConnection(client, upstream, link);
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
    throw new TypeError(`The proxy listens on ${address} instead of a port.`);
  return address.port;
}
