// Hears, on a connection of its own, of attempts that have ended and for which somebody waited.

import type { Cluster, Redis } from 'ioredis';
import { unref } from '../../../timers.js';

/** How often the connection is looked after. */
const keepAliveIntervalMs = 3_000;

/**
 * Connects when somebody first listens. While it hears nothing (it is not connected, the user may not subscribe) nobody
 * is worse off than without it, so what fails here is neither told nor counted: the store's own connection says what is wrong.
 */
export class CompletionSubscriber {
  readonly #listeners = new Set<(key: string) => void>();
  #connection: Redis | null = null;
  #isSubscribed = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    /** Its way of connecting is taken over, and its server; of a cluster any, since each of them hears all. */
    private readonly client: Redis | Cluster,
    private readonly channel: string,
  ) {}

  /** What is announced from now on is heard of, as far as it can be known. */
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
   * The client connects again by itself, but not for ever: not to a server of a cluster, which may be gone for good. And whoever
   * only listens never learns that the server is silent: the connection ends where a PING is not answered.
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
    // That it rejects is no news: the client goes on, or ends.
    connection.connect().catch(() => {});
  }

  async #subscribe(connection: Redis): Promise<void> {
    try {
      await connection.subscribe(this.channel);
      this.#isSubscribed = connection.status === 'ready';
    } catch {
      // The user may not. It is tried again when the connection is made anew.
    }
  }
}
