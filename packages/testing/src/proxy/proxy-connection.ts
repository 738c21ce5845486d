// One connection through the fault proxy: passes bytes on, and applies faults to them.
import type { Socket } from 'node:net';
import { createDelayQueue } from './delay-queue.js';

/**
 * What happens to the matching bytes of a client:
 * - `lose_request`: they never reach the server, and the connection is closed.
 * - `lose_reply`, `lose_reply_reset`: the server processes them. Its reply is lost, and the connection is closed, orderly (FIN) or with a
 *   reset (RST).
 * - `half_close`: as `lose_reply`, but only the direction to the client is closed. What the client sends still arrives.
 * - `black_hole`: the server processes them, and the black hole begins for all connections.
 */
export type ProxyFault = 'lose_request' | 'lose_reply' | 'lose_reply_reset' | 'half_close' | 'black_hole';

/** How the proxy closes a connection: orderly (`fin`) or with a reset (`reset`). */
export type CloseMode = 'fin' | 'reset';

/** A fault that waits for matching bytes. */
export interface ArmedFault {
  readonly fault: ProxyFault;
  readonly pattern: RegExp;
  /** Called when the fault has happened. */
  onTriggered(): void;
}

/** The state that all connections of a proxy share. */
export interface LinkState {
  isBlackHole: boolean;
  delayMs: number;
  /** The faults that have not happened yet. */
  readonly armedFaults: ArmedFault[];
}

/** `black_holed`: bytes were dropped without a sign, so no later bytes may arrive. */
type ConnectionState = 'open' | 'half_closed' | 'black_holed' | 'ended';

export class ProxyConnection {
  /** Resolves when both sides are closed. */
  readonly closed: Promise<unknown>;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #link: LinkState;
  #state: ConnectionState = 'open';
  /** Faults whose request has been passed on. The next reply will be lost. */
  readonly #pendingReplyFaults: ArmedFault[] = [];

  /** Both sockets must allow half-open connections. */
  constructor(client: Socket, server: Socket, link: LinkState) {
    this.#client = client;
    this.#server = server;
    this.#link = link;
    this.closed = Promise.all(
      [client, server].map(async (socket) => await new Promise((done) => socket.once('close', done))),
    );
    this.#forward(client, server, (bytes) => this.#fromClient(bytes));
    this.#forward(server, client, (bytes) => this.#fromServer(bytes));
  }

  end(mode: CloseMode): void {
    this.#state = 'ended';
    for (const socket of [this.#client, this.#server]) {
      if (mode === 'fin') socket.end();
      else socket.resetAndDestroy();
    }
  }

  /** Called at the end of a black hole. If one end closed during it, the other end is closed now. */
  heal(): void {
    const sockets = [this.#client, this.#server];
    const isClosed = sockets.some((socket) => socket.readableEnded || socket.destroyed);
    if (this.#state === 'black_holed' && isClosed) this.end('reset');
  }

  destroy(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  #forward(from: Socket, to: Socket, pass: (bytes: Buffer) => void): void {
    const queue = createDelayQueue(() => this.#link.delayMs);
    from.on('data', (bytes) => queue(() => this.#dropIfBlackHole() || pass(bytes)));
    from.on('end', () => queue(() => this.#dropIfBlackHole() || to.end()));
    from.on('error', () => this.#dropIfBlackHole() || this.end('reset'));
    // A connection that closes without a reply has lost the reply as well.
    from.on('close', () => this.#reportTriggered());
  }

  /** In a black hole bytes are dropped. Later bytes of this connection are dropped too, even after the black hole. */
  #dropIfBlackHole(): boolean {
    if (this.#link.isBlackHole && this.#state !== 'ended') this.#state = 'black_holed';
    return this.#link.isBlackHole;
  }

  #fromClient(bytes: Buffer): void {
    if (this.#state === 'black_holed' || this.#state === 'ended') return;
    const armed = takeMatchingFault(this.#link.armedFaults, bytes);
    if (armed?.fault !== 'lose_request') this.#server.write(bytes);
    if (armed !== null) this.#applyFault(armed);
  }

  #applyFault(armed: ArmedFault): void {
    switch (armed.fault) {
      case 'lose_request':
        this.end('fin');
        armed.onTriggered();
        break;
      case 'black_hole':
        this.#link.isBlackHole = true;
        armed.onTriggered();
        break;
      case 'lose_reply':
      case 'lose_reply_reset':
      case 'half_close':
        this.#pendingReplyFaults.push(armed);
    }
  }

  #fromServer(bytes: Buffer): void {
    if (this.#state !== 'open') return;
    const [armed] = this.#pendingReplyFaults;
    if (armed === undefined) return void this.#client.write(bytes);
    if (armed.fault === 'half_close') this.#halfClose();
    else this.end(armed.fault === 'lose_reply_reset' ? 'reset' : 'fin');
    this.#reportTriggered();
  }

  #halfClose(): void {
    this.#state = 'half_closed';
    this.#client.end();
  }

  #reportTriggered(): void {
    for (const armed of this.#pendingReplyFaults.splice(0)) armed.onTriggered();
  }
}

function takeMatchingFault(faults: ArmedFault[], bytes: Buffer): ArmedFault | null {
  const text = bytes.toString('latin1');
  const index = faults.findIndex(({ pattern }) => text.search(pattern) !== -1);
  return index === -1 ? null : (faults.splice(index, 1)[0] ?? null);
}
