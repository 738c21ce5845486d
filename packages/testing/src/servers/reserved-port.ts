// Ports for servers of tests. While a server is down nobody else gets its port.
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below the ephemeral ports of operating systems, which clients and other servers get, and apart from the ports 10,000 above them: a node
 * of a Redis cluster has its bus there.
 */
const portRange = [10_000, 20_000] as const;
const host = '127.0.0.1';
const maxAttempts = 100;

export interface ReservedPort {
  readonly port: number;
  /** Lets others have the port. Does nothing the second time. */
  release(): void;
}

/**
 * Reserves a free TCP port of the loopback interface among all processes that call this, until `release` or until this process ends: the
 * process holds the UDP port of the same number.
 */
export async function reservePort(): Promise<ReservedPort> {
  for (let attempts = 1; ; attempts += 1) {
    const port = randomInt(...portRange);
    const socket = createSocket('udp4').unref();
    try {
      const bound = once(socket, 'listening');
      socket.bind({ port, address: host, exclusive: true });
      await bound;
      await requireFree(port);
    } catch (error) {
      socket.close();
      if (attempts === maxAttempts) throw error;
      continue;
    }
    let isReleased = false;
    return {
      port,
      release() {
        if (!isReleased) socket.close();
        isReleased = true;
      },
    };
  }
}

/** Rejects if another program listens there. */
async function requireFree(port: number): Promise<void> {
  const server = createServer().listen(port, host);
  await once(server, 'listening');
  server.close();
  await once(server, 'close');
}
