// One connection through the fault proxy: what comes from either side, and what becomes of it.
import type { Socket } from 'node:net';
import { createDelayQueue } from './delay-queue.js';

/**
 * What happens when the bytes of a client match:
 * - `lose_request`: the server never sees them, and the connection ends.
 * - `lose_reply`, `lose_reply_reset`: the server acts on them; its reply is lost, and the connection ends, in an orderly way
 *   (FIN) or with a reset (RST).
 * - `half_close`: as `lose_reply`, but only the way to the client ends; what it sends still arrives.
 * - `black_hole`: the server acts on them, and the black hole begins, for all connections.
 */
export type ProxyFault = 'lose_request' | 'lose_reply' | 'lose_reply_reset' | 'half_close' | 'black_hole';

export type CloseMode = 'fin' | 'reset';

export interface ArmedFault {
  readonly fault: ProxyFault;
  readonly pattern: RegExp;
  /** Tells that it struck. */
  onTriggered(): void;
}

/** How things stand between all clients and the server. */
export interface LinkState {
  isBlackHole: boolean;
  delayMs: number;
  /** Those that are still to come. */
  readonly armedFaults: ArmedFault[];
}

/** `silent`: something was lost and nobody was told, so that nothing may follow. */
type ConnectionState = 'open' | 'half_closed' | 'silent' | 'ended';

export class ProxyConnection {
  /** Resolves when both sides are closed. */
  readonly closed: Promise<unknown>;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #link: LinkState;
  #state: ConnectionState = 'open';
  /** Their bytes have been passed on; the reply will be lost. */
  readonly #pendingReplyFaults: ArmedFault[] = [];

  /** Of sockets that stay open on their side when the other side ends. */
  constructor(client: Socket, server: Socket, path: LinkState) {
    this.#client = client;
    this.#server = server;
    this.#link = path;
    this.closed = Promise.all(
      [client, server].map(async (socket) => await new Promise((done) => socket.once('close', done))),
    );
    this.#forward(client, server, (bytes) => this.#fromClient(bytes));
    this.#forward(server, client, (bytes) => this.#fromServer(bytes));
  }

  end(how: CloseMode): void {
    this.#state = 'ended';
    for (const socket of [this.#client, this.#server]) {
      if (how === 'fin') socket.end();
      else socket.resetAndDestroy();
    }
  }

  /** After a black hole: where one end closed in it, the other learns of that now. */
  heal(): void {
    const ends = [this.#client, this.#server];
    if (this.#state === 'silent' && ends.some((end) => end.readableEnded || end.destroyed)) this.end('reset');
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
    // Whoever ends without a reply has lost it too.
    from.on('close', () => this.#reportTriggered());
  }

  /** In a black hole nothing arrives, nor does what is sent after it. */
  #dropIfBlackHole(): boolean {
    if (this.#link.isBlackHole && this.#state !== 'ended') this.#state = 'silent';
    return this.#link.isBlackHole;
  }

  #fromClient(bytes: Buffer): void {
    if (this.#state === 'silent' || this.#state === 'ended') return;
    const strike = takeMatchingFault(this.#link.armedFaults, bytes);
    if (strike?.fault !== 'lose_request') this.#server.write(bytes);
    if (strike !== null) this.#applyFault(strike);
  }

  #applyFault(strike: ArmedFault): void {
    switch (strike.fault) {
      case 'lose_request':
        this.end('fin');
        strike.onTriggered();
        break;
      case 'black_hole':
        this.#link.isBlackHole = true;
        strike.onTriggered();
        break;
      case 'lose_reply':
      case 'lose_reply_reset':
      case 'half_close':
        this.#pendingReplyFaults.push(strike);
    }
  }

  #fromServer(bytes: Buffer): void {
    if (this.#state !== 'open') return;
    const [strike] = this.#pendingReplyFaults;
    if (strike === undefined) return void this.#client.write(bytes);
    if (strike.fault === 'half_close') this.#halfClose();
    else this.end(strike.fault === 'lose_reply_reset' ? 'reset' : 'fin');
    this.#reportTriggered();
  }

  #halfClose(): void {
    this.#state = 'half_closed';
    this.#client.end();
  }

  #reportTriggered(): void {
    for (const strike of this.#pendingReplyFaults.splice(0)) strike.onTriggered();
  }
}

function takeMatchingFault(strikes: ArmedFault[], bytes: Buffer): ArmedFault | null {
  const text = bytes.toString('latin1');
  const at = strikes.findIndex(({ pattern }) => text.search(pattern) !== -1);
  return at === -1 ? null : (strikes.splice(at, 1)[0] ?? null);
}
