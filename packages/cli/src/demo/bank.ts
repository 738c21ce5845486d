// The bank of the demo: charges cards, slowly on demand, and counts. It honours idempotency keys.
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Bank {
  readonly url: string;
  /** How often the card was charged since the last call. */
  takeCount(): number;
  /** The next charges take this long. */
  setDelay(ms: number): void;
  /** The next request is charged, and then the connection breaks without an answer. */
  hangUpNext(): void;
  /** The next request is refused before anything is charged. */
  refuseNext(): void;
  /** Resolves when the next charge has been made. */
  nextCharge(): Promise<void>;
  close(): Promise<void>;
}

export async function startBank(): Promise<Bank> {
  const charges = new Map<string, string>();
  const events = new EventEmitter();
  let counted = 0;
  let delayMs = 0;
  let refuses = false;
  let hangsUp = false;

  /** The same key is the same charge: this is what a derived key is for. */
  function charge(key: string): string {
    const known = charges.get(key);
    if (known !== undefined) return known;
    const receipt = `charge_${charges.size + 1}`;
    charges.set(key, receipt);
    counted += 1;
    events.emit('charge');
    return receipt;
  }

  const server = createServer((req, res) => {
    if (refuses) {
      refuses = false;
      res.writeHead(503).end();
      return;
    }
    const receipt = charge(keyOf(req));
    if (hangsUp) {
      hangsUp = false;
      req.socket.destroy();
      return;
    }
    setTimeout(() => res.end(receipt), delayMs).unref();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}/charge`,
    takeCount() {
      const count = counted;
      counted = 0;
      return count;
    },
    setDelay(ms) {
      delayMs = ms;
    },
    hangUpNext() {
      hangsUp = true;
    },
    refuseNext() {
      refuses = true;
    },
    nextCharge: async () => {
      await once(events, 'charge');
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function keyOf(req: IncomingMessage): string {
  return String(req.headers['idempotency-key']);
}
