// One client, watched: whether it answers, what stands in its way, and whether another server has taken over.
import type { StoreError } from '../../../errors.js';
import { publish, warnOnce } from '../../../events.js';
import { withDeadline } from '../connection/deadline.js';
import { redact } from '../connection/redact.js';
import { isCluster, mastersOf, type RedisClient, serverName } from '../connection/redis-client.js';
import { ConnectionDiagnostics } from './connection-diagnostics.js';
import { HealthTracker, type RedisHealth } from './health.js';
import { MasterTracker, readMasterIdentity } from './master-tracker.js';
import type { ConnectionFailure } from './server-probe.js';

/** Nobody waits for it; it must only end. */
const identifyTimeoutMs = 5_000;

const minSlotRefreshIntervalMs = 500;

const monitors = new WeakMap<RedisClient, ClientMonitor>();

/** Stores on one client share its watch, which listens as long as one of them is open. */
export class ClientMonitor {
  readonly #health = new HealthTracker();
  readonly #masterTracker = new MasterTracker();
  readonly #diagnostics: ConnectionDiagnostics;
  #startupCheck: (() => Promise<void>) | null = null;
  #startupCheckDone: Promise<void> | null = null;
  /** The names of the open stores on this client, once per store. */
  readonly #openStoreNames: string[] = [];
  #lastMasters = '';
  #lastSlotRefreshAt = Number.NEGATIVE_INFINITY;
  #isIdentifying = false;
  #identifyAgain = false;

  static forClient(client: RedisClient): ClientMonitor {
    const known = monitors.get(client);
    if (known !== undefined) return known;
    const watch = new ClientMonitor(client);
    monitors.set(client, watch);
    return watch;
  }

  private constructor(private readonly client: RedisClient) {
    this.#diagnostics = new ConnectionDiagnostics(client);
  }

  get health(): RedisHealth {
    return this.#health.current;
  }

  /** Why there is no connection, as far as it is known. */
  get failure(): ConnectionFailure | null {
    return this.#diagnostics.failure;
  }

  /** A store begins to use the client. The first one's `check` runs once, when the client is ready. */
  addStore(storeName: string, check: () => Promise<void>): void {
    this.#startupCheck ??= check;
    this.#openStoreNames.push(storeName);
    if (this.#openStoreNames.length > 1) return;
    this.client.on?.('ready', this.#onReady);
    this.client.on?.('close', this.#onClosed);
    // A node that has gone is made anew when it is back; one that takes over was there already.
    if (isCluster(this.client)) {
      this.client.on?.('+node', this.#identifyMastersIfReady);
      this.client.on?.('refresh', this.#onSlotsRefreshed);
    }
    if (this.client.status === 'ready') this.#onReady();
  }

  /** Resolves when the servers have been looked at, and what was found has been told; at once where they are not reached. */
  async startupCheckDone(): Promise<void> {
    await this.#startupCheckDone;
  }

  removeStore(storeName: string): void {
    this.#openStoreNames.splice(this.#openStoreNames.indexOf(storeName), 1);
    if (this.#openStoreNames.length > 0) return;
    this.client.off?.('ready', this.#onReady);
    this.client.off?.('close', this.#onClosed);
    this.client.off?.('+node', this.#identifyMastersIfReady);
    this.client.off?.('refresh', this.#onSlotsRefreshed);
  }

  onReply(): void {
    const { state } = this.#health.current;
    this.#health.markReady();
    // Whoever took over meanwhile may know less than the one before.
    if (state === 'degraded') this.#identifyMasters();
  }

  onCallFailed(error: StoreError): void {
    this.#health.markFailed(error.message);
    if (error.class === 'unknown') this.#refreshSlots();
  }

  /** A cluster client that waits for a silent master is not told that another one has its slots, unless it asks. */
  #refreshSlots(): void {
    const now = performance.now();
    if (now - this.#lastSlotRefreshAt < minSlotRefreshIntervalMs) return;
    this.#lastSlotRefreshAt = now;
    this.client.refreshSlotsCache?.();
  }

  /** The client, which the store owns, was told something while it was connecting. */
  onClientError(error: Error): void {
    this.#diagnostics.recordClientError(error);
    this.diagnoseInBackground();
  }

  /** Likewise: its database was refused, or it has connected anew. Null: nothing is wrong with that. */
  onDatabaseSelected(refused: Error | null): void {
    if (refused === null) this.#diagnostics.clearDatabaseFailure();
    else this.#diagnostics.recordDatabaseError(refused);
  }

  get databaseFailure(): ConnectionFailure | null {
    return this.#diagnostics.databaseFailure;
  }

  /** Finds out in the background why the client is not connected. */
  diagnoseInBackground(): void {
    void this.diagnose();
  }

  async diagnose(): Promise<void> {
    await this.#diagnostics.diagnose();
    const { failure } = this.#diagnostics;
    if (failure !== null && this.client.status !== 'ready') this.#health.markFailed(failure.message);
  }

  readonly #onReady = (): void => {
    if (this.#diagnostics.databaseFailure !== null) return;
    this.#diagnostics.clear();
    this.#identifyMasters();
    this.#startupCheckDone ??=
      this.#startupCheck?.().catch((error: unknown) => warnCheckFailed(redact(String(error), this.client))) ?? null;
  };

  /** A cluster client has been told where the slots are: perhaps with other masters than before. */
  readonly #onSlotsRefreshed = (): void => {
    const masters = mastersOf(this.client).map(serverName).sort().join();
    if (masters === this.#lastMasters) return;
    this.#lastMasters = masters;
    this.#identifyMastersIfReady();
  };

  /**
   * Not while a cluster client connects: a command would open a connection to a node that the client may leave in the middle of
   * the TLS handshake, and the error of that ends the process. When it is ready all nodes are asked.
   */
  readonly #identifyMastersIfReady = (): void => {
    if (this.client.status === 'ready') this.#identifyMasters();
  };

  readonly #onClosed = (): void => {
    if (this.#health.current.state === 'ready') this.#health.markFailed('The connection was lost.');
  };

  /** Asks every master who it is. A question that comes while one is under way follows it. */
  readonly #identifyMasters = (): void => {
    this.#identifyAgain = this.#isIdentifying;
    if (this.#isIdentifying) return;
    this.#isIdentifying = true;
    void this.#compareMasters().finally(() => {
      this.#isIdentifying = false;
      if (this.#identifyAgain) this.#identifyMasters();
    });
  };

  async #compareMasters(): Promise<void> {
    for (const node of mastersOf(this.client)) {
      // Who may not ask, or gets no answer, is not told of losses; the check says so once.
      const life = await withDeadline(
        identifyTimeoutMs,
        () => 'no answer',
        () => readMasterIdentity(node),
      ).catch(() => null);
      if (life === null) continue;
      if (this.client.status === 'ready') this.#health.markReady();
      const succession = this.#masterTracker.observe(serverName(node), life);
      if (succession === null) continue;
      for (const store of new Set(this.#openStoreNames)) publish('data_may_be_lost', () => ({ store, ...succession }));
    }
  }
}

/** Nobody waits for a check: that it failed, for whatever reason, must not end the process. */
function warnCheckFailed(why: string): void {
  warnOnce('redis_not_checked', `Redis could not be checked: ${why}. The store works all the same.`);
}
