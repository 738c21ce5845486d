// One client, watched: whether it answers, what stands in its way, and whether another server has taken over.
import type { StoreError } from '../errors.js';
import { publish, warnOnce } from '../events.js';
import { isCluster, mastersOf, type RedisClient, serverName } from './client.js';
import { withDeadline } from './deadline.js';
import { Health, type RedisHealth } from './health.js';
import { Lives, lifeOf } from './lives.js';
import { Obstacle } from './obstacle.js';
import type { Refusal } from './probe.js';
import { redacted } from './redact.js';

/** Nobody waits for it; it must only end. */
const lookMs = 5_000;

const leastRefreshPauseMs = 500;

const watches = new WeakMap<RedisClient, ClientWatch>();

/** Stores on one client share its watch, which listens as long as one of them is open. */
export class ClientWatch {
  readonly #health = new Health();
  readonly #lives = new Lives();
  readonly #obstacle: Obstacle;
  #check: (() => Promise<void>) | null = null;
  #checked: Promise<void> | null = null;
  #stores = 0;
  #masters = '';
  #refreshedAt = Number.NEGATIVE_INFINITY;
  #looking = false;
  #looksAgain = false;

  static of(client: RedisClient): ClientWatch {
    const known = watches.get(client);
    if (known !== undefined) return known;
    const watch = new ClientWatch(client);
    watches.set(client, watch);
    return watch;
  }

  private constructor(private readonly client: RedisClient) {
    this.#obstacle = new Obstacle(client);
  }

  get health(): RedisHealth {
    return this.#health.current;
  }

  /** Why there is no connection, as far as it is known. */
  get refusal(): Refusal | null {
    return this.#obstacle.refusal;
  }

  /** A store begins to use the client. The first one's `check` runs once, when the client is ready. */
  open(check: () => Promise<void>): void {
    this.#check ??= check;
    this.#stores += 1;
    if (this.#stores > 1) return;
    this.client.on?.('ready', this.#ready);
    this.client.on?.('close', this.#closed);
    // A node that has gone is made anew when it is back; one that takes over was there already.
    if (isCluster(this.client)) {
      this.client.on?.('+node', this.#lookIfReady);
      this.client.on?.('refresh', this.#refreshed);
    }
    if (this.client.status === 'ready') this.#ready();
  }

  /** Resolves when the servers have been looked at, and what was found has been told; at once where they are not reached. */
  async checked(): Promise<void> {
    await this.#checked;
  }

  close(): void {
    this.#stores -= 1;
    if (this.#stores > 0) return;
    this.client.off?.('ready', this.#ready);
    this.client.off?.('close', this.#closed);
    this.client.off?.('+node', this.#lookIfReady);
    this.client.off?.('refresh', this.#refreshed);
  }

  answered(): void {
    const { state } = this.#health.current;
    this.#health.answered();
    // Whoever took over meanwhile may know less than the one before.
    if (state === 'degraded') this.#look();
  }

  failed(error: StoreError): void {
    this.#health.failed(error.message);
    if (error.class === 'unknown') this.#refreshSlots();
  }

  /** A cluster client that waits for a silent master is not told that another one has its slots, unless it asks. */
  #refreshSlots(): void {
    const now = performance.now();
    if (now - this.#refreshedAt < leastRefreshPauseMs) return;
    this.#refreshedAt = now;
    this.client.refreshSlotsCache?.();
  }

  /** The client, which the store owns, was told something while it was connecting. */
  heard(error: Error): void {
    this.#obstacle.heard(error);
    this.suspect();
  }

  /** Likewise: its database was refused, or it has connected anew. Null: nothing is wrong with that. */
  heardOfDatabase(refused: Error | null): void {
    if (refused === null) this.#obstacle.connected();
    else this.#obstacle.refusedDatabase(refused);
  }

  get wrongDatabase(): Refusal | null {
    return this.#obstacle.wrongDatabase;
  }

  /** Finds out in the background why the client is not connected. */
  suspect(): void {
    void this.diagnose();
  }

  async diagnose(): Promise<void> {
    await this.#obstacle.look();
    const { refusal } = this.#obstacle;
    if (refusal !== null && this.client.status !== 'ready') this.#health.failed(refusal.message);
  }

  readonly #ready = (): void => {
    if (this.#obstacle.wrongDatabase !== null) return;
    this.#obstacle.gone();
    this.#look();
    this.#checked ??=
      this.#check?.().catch((error: unknown) => tellOfFailedCheck(redacted(String(error), this.client))) ?? null;
  };

  /** A cluster client has been told where the slots are: perhaps with other masters than before. */
  readonly #refreshed = (): void => {
    const masters = mastersOf(this.client).map(serverName).sort().join();
    if (masters === this.#masters) return;
    this.#masters = masters;
    this.#lookIfReady();
  };

  /**
   * Not while a cluster client connects: a command would open a connection to a node that the client may leave in the middle of
   * the TLS handshake, and the error of that ends the process. When it is ready all nodes are asked.
   */
  readonly #lookIfReady = (): void => {
    if (this.client.status === 'ready') this.#look();
  };

  readonly #closed = (): void => {
    if (this.#health.current.state === 'ready') this.#health.failed('The connection was lost.');
  };

  /** Asks every master who it is. A question that comes while one is under way follows it. */
  readonly #look = (): void => {
    this.#looksAgain = this.#looking;
    if (this.#looking) return;
    this.#looking = true;
    void this.#compare().finally(() => {
      this.#looking = false;
      if (this.#looksAgain) this.#look();
    });
  };

  async #compare(): Promise<void> {
    for (const node of mastersOf(this.client)) {
      // Who may not ask, or gets no answer, is not told of losses; the check says so once.
      const life = await withDeadline(
        lookMs,
        () => 'no answer',
        () => lifeOf(node),
      ).catch(() => null);
      if (life === null) continue;
      if (this.client.status === 'ready') this.#health.answered();
      const succession = this.#lives.saw(serverName(node), life);
      if (succession !== null) publish('data_may_be_lost', () => ({ store: 'redis', ...succession }));
    }
  }
}

/** Nobody waits for a check: that it failed, for whatever reason, must not end the process. */
function tellOfFailedCheck(why: string): void {
  warnOnce('redis_not_checked', `Redis could not be checked: ${why}. The store works all the same.`);
}
