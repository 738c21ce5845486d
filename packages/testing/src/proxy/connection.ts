// One connection through the fault proxy: what comes from either side, and what becomes of it.
import type { Socket } from 'node:net';
import { inOrder } from './in-order.js';

/**
 * What happens when the bytes of a client match:
 * - `lose_request`: the server never sees them, and the connection ends.
 * - `lose_reply`, `lose_reply_reset`: the server acts on them; its reply is lost, and the connection ends, in an orderly way
 *   (FIN) or with a reset (RST).
 * - `half_close`: as `lose_reply`, but only the way to the client ends; what it sends still arrives.
 * - `black_hole`: the server acts on them, and the black hole begins, for all connections.
 */
export type Fault = 'lose_request' | 'lose_reply' | 'lose_reply_reset' | 'half_close' | 'black_hole';

export type Ending = 'fin' | 'reset';

export interface Strike {
  readonly fault: Fault;
  readonly on: RegExp;
  /** Tells that it struck. */
  struck(): void;
}

/** How things stand between all clients and the server. */
export interface Path {
  isBlack: boolean;
  delayMs: number;
  /** Those that are still to come. */
  readonly strikes: Strike[];
}

/** `silent`: something was lost and nobody was told, so that nothing may follow. */
type State = 'open' | 'half_closed' | 'silent' | 'ended';

export class ProxyConnection {
  /** Resolves when both sides are closed. */
  readonly closed: Promise<unknown>;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #path: Path;
  #state: State = 'open';
  /** Their bytes have been passed on; the reply will be lost. */
  readonly #pending: Strike[] = [];

  /** Of sockets that stay open on their side when the other side ends. */
  constructor(client: Socket, server: Socket, path: Path) {
    this.#client = client;
    this.#server = server;
    this.#path = path;
    this.closed = Promise.all(
      [client, server].map(async (socket) => await new Promise((done) => socket.once('close', done))),
    );
    this.#carry(client, server, (bytes) => this.#fromClient(bytes));
    this.#carry(server, client, (bytes) => this.#fromServer(bytes));
  }

  end(how: Ending): void {
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

  #carry(from: Socket, to: Socket, pass: (bytes: Buffer) => void): void {
    const queue = inOrder(() => this.#path.delayMs);
    from.on('data', (bytes) => queue(() => this.#isSwallowed() || pass(bytes)));
    from.on('end', () => queue(() => this.#isSwallowed() || to.end()));
    from.on('error', () => this.#isSwallowed() || this.end('reset'));
    // Whoever ends without a reply has lost it too.
    from.on('close', () => this.#struck());
  }

  /** In a black hole nothing arrives, nor does what is sent after it. */
  #isSwallowed(): boolean {
    if (this.#path.isBlack && this.#state !== 'ended') this.#state = 'silent';
    return this.#path.isBlack;
  }

  #fromClient(bytes: Buffer): void {
    if (this.#state === 'silent' || this.#state === 'ended') return;
    const strike = takeStrike(this.#path.strikes, bytes);
    if (strike?.fault !== 'lose_request') this.#server.write(bytes);
    if (strike !== null) this.#suffer(strike);
  }

  #suffer(strike: Strike): void {
    switch (strike.fault) {
      case 'lose_request':
        this.end('fin');
        strike.struck();
        break;
      case 'black_hole':
        this.#path.isBlack = true;
        strike.struck();
        break;
      case 'lose_reply':
      case 'lose_reply_reset':
      case 'half_close':
        this.#pending.push(strike);
    }
  }

  #fromServer(bytes: Buffer): void {
    if (this.#state !== 'open') return;
    const [strike] = this.#pending;
    if (strike === undefined) return void this.#client.write(bytes);
    if (strike.fault === 'half_close') this.#halfClose();
    else this.end(strike.fault === 'lose_reply_reset' ? 'reset' : 'fin');
    this.#struck();
  }

  #halfClose(): void {
    this.#state = 'half_closed';
    this.#client.end();
  }

  #struck(): void {
    for (const strike of this.#pending.splice(0)) strike.struck();
  }
}

function takeStrike(strikes: Strike[], bytes: Buffer): Strike | null {
  const text = bytes.toString('latin1');
  const at = strikes.findIndex(({ on }) => text.search(on) !== -1);
  return at === -1 ? null : (strikes.splice(at, 1)[0] ?? null);
}
