// Subscribes, on a connection of its own, to messages about attempts that have ended and for which a caller waits.

import type { Cluster, Redis } from 'ioredis';
import { unref } from '../../../timers.js';

/** How often the connection is checked. */
const keepAliveIntervalMs = 3_000;

/**
 * Connects when the first listener is added. Messages are only hints, and callers also poll. So a failure of this connection
 * (not connected, no right to SUBSCRIBE) is neither reported nor counted: the store's main connection reports what is wrong.
 */
export class CompletionSubscriber {
  readonly #listeners = new Set<(key: string) => void>();
  #connection: Redis | null = null;
  #isSubscribed = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    /**
     * The connection has the options and the server of this client. In a cluster any server will do: each gets all messages.
     */
    private readonly client: Redis | Cluster,
    private readonly channel: string,
  ) {}

  /** Whether messages that are published from now on arrive, as far as the client knows. */
  get isSubscribed(): boolean {
    return this.#isSubscribed;
  }

  addListener(listener: (key: string) => void): void {
    this.#listeners.add(listener);
    if (this.#timer !== undefined || this.#isClosed) return;
    this.#timer = unref(setInterval(() => this.#keepAlive(), keepAliveIntervalMs));
    this.#keepAlive();
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#connection?.disconnect();
  }

  /**
   * Makes a new connection if the old one has ended: ioredis does not reconnect for ever to a node of a cluster, which may be
   * gone for good. A subscriber sends nothing, so it would not notice a silent server: an unanswered PING ends the
   * connection.
   */
  #keepAlive(): void {
    if (this.#connection === null || this.#connection.status === 'end') this.#connect();
    else if (this.#isSubscribed) this.#connection.ping().catch(() => {});
  }

  #connect(): void {
    const nodes = 'nodes' in this.client ? this.client.nodes('master') : [this.client];
    const node = nodes[Math.floor(Math.random() * nodes.length)];
    if (node === undefined) return;
    const connection = node.duplicate({ autoResubscribe: false });
    this.#connection = connection;
    connection.on('error', () => {});
    connection.on('ready', () => void this.#subscribe(connection));
    connection.on('message', (_channel, key) => {
      for (const listener of this.#listeners) listener(key);
    });
    connection.on('close', () => {
      this.#isSubscribed = false;
    });
    // A rejection needs no handling: the client tries again, or ends.
    connection.connect().catch(() => {});
  }

  async #subscribe(connection: Redis): Promise<void> {
    try {
      await connection.subscribe(this.channel);
      this.#isSubscribed = connection.status === 'ready';
    } catch {
      // The user may lack the right. The next connection tries again.
    }
  }
}
