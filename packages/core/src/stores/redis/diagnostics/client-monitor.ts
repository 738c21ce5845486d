// Monitors one client for all stores on it: whether Redis replies, why the client is not connected, and whether a master has
// changed.
import type { StoreError } from '../../../errors.js';
import { publish, warnOnce } from '../../../events.js';
import type { ClientObserver, ConnectionFailure } from '../connection/client-observer.js';
import { redact } from '../connection/redact.js';
import { isCluster, type RedisClient } from '../connection/redis-client.js';
import { ConnectionDiagnostics } from './connection-diagnostics.js';
import { HealthTracker, type RedisHealth } from './health.js';
import { MasterTracker } from './master-tracker.js';

const minSlotRefreshIntervalMs = 500;

const monitors = new WeakMap<RedisClient, ClientMonitor>();

/** Stores on one client share its monitor. It listens to the client as long as one of them is open. */
export class ClientMonitor implements ClientObserver {
  readonly #health = new HealthTracker();
  readonly #masterTracker: MasterTracker;
  readonly #diagnostics: ConnectionDiagnostics;
  #startupCheck: (() => Promise<void>) | null = null;
  #startupCheckDone: Promise<void> | null = null;
  /** The names of the open stores on this client, once per store. */
  readonly #openStoreNames: string[] = [];
  #lastSlotRefreshAt = Number.NEGATIVE_INFINITY;

  static forClient(client: RedisClient): ClientMonitor {
    const known = monitors.get(client);
    if (known !== undefined) return known;
    const monitor = new ClientMonitor(client);
    monitors.set(client, monitor);
    return monitor;
  }

  private constructor(private readonly client: RedisClient) {
    this.#diagnostics = new ConnectionDiagnostics(client);
    this.#masterTracker = new MasterTracker(client, {
      onMasterReply: () => {
        if (client.status === 'ready') this.#health.markReady();
      },
      onMasterChanged: (change) => {
        for (const store of new Set(this.#openStoreNames)) publish('data_may_be_lost', () => ({ store, ...change }));
      },
    });
  }

  get health(): RedisHealth {
    return this.#health.current;
  }

  get failure(): ConnectionFailure | null {
    return this.#diagnostics.failure;
  }

  get databaseFailure(): ConnectionFailure | null {
    return this.#diagnostics.databaseFailure;
  }

  /**
   * Registers a store, and returns a function that removes it. The `check` of the first store runs once, when the client is
   * ready.
   */
  addStore(storeName: string, check: () => Promise<void>): () => void {
    this.#startupCheck ??= check;
    this.#openStoreNames.push(storeName);
    if (this.#openStoreNames.length === 1) this.#startListening();
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      this.#openStoreNames.splice(this.#openStoreNames.indexOf(storeName), 1);
      if (this.#openStoreNames.length === 0) this.#stopListening();
    };
  }

  #startListening(): void {
    this.client.on?.('ready', this.#onReady);
    this.client.on?.('close', this.#onClosed);
    if (isCluster(this.client)) {
      // A cluster client emits `+node` also for a node that has left and is back. A replica that becomes master was there
      // before.
      this.client.on?.('+node', this.#masterTracker.identifyMastersIfReady);
      this.client.on?.('refresh', this.#masterTracker.onSlotsRefreshed);
    }
    if (this.client.status === 'ready') this.#onReady();
  }

  #stopListening(): void {
    this.client.off?.('ready', this.#onReady);
    this.client.off?.('close', this.#onClosed);
    this.client.off?.('+node', this.#masterTracker.identifyMastersIfReady);
    this.client.off?.('refresh', this.#masterTracker.onSlotsRefreshed);
  }

  /** Resolves when the check has ended and its findings are published; at once if no server was reached. */
  async startupCheckDone(): Promise<void> {
    await this.#startupCheckDone;
  }

  onReply(): void {
    const { state } = this.#health.current;
    this.#health.markReady();
    // Another server may have become the master during the outage.
    if (state === 'degraded') this.#masterTracker.identifyMasters();
  }

  onCallFailed(error: StoreError): void {
    this.#health.markFailed(error.message);
    if (error.class === 'unknown') this.#refreshSlots();
  }

  /** A cluster client that waits for a silent master learns only from a refresh that another master has its slots. */
  #refreshSlots(): void {
    const now = performance.now();
    if (now - this.#lastSlotRefreshAt < minSlotRefreshIntervalMs) return;
    this.#lastSlotRefreshAt = now;
    this.client.refreshSlotsCache?.();
  }

  onClientError(error: Error): void {
    this.#diagnostics.recordClientError(error);
    this.diagnoseInBackground();
  }

  onConnected(): void {
    this.#diagnostics.clearDatabaseFailure();
  }

  onDatabaseRefused(error: Error): void {
    this.#diagnostics.recordDatabaseError(error);
  }

  diagnoseInBackground(): void {
    void this.diagnose();
  }

  /** Resolves when it is known why the client is not connected, as far as that can be found out. */
  async diagnose(): Promise<void> {
    await this.#diagnostics.diagnose();
    const { failure } = this.#diagnostics;
    if (failure !== null && this.client.status !== 'ready') this.#health.markFailed(failure.message);
  }

  readonly #onReady = (): void => {
    if (this.#diagnostics.databaseFailure !== null) return;
    this.#diagnostics.clear();
    this.#masterTracker.identifyMasters();
    this.#startupCheckDone ??=
      this.#startupCheck?.().catch((error: unknown) => warnCheckFailed(redact(String(error), this.client))) ?? null;
  };

  readonly #onClosed = (): void => {
    if (this.#health.current.state === 'ready') this.#health.markFailed('The connection was lost.');
  };
}

/** Nobody awaits the check at start, so a rejection would end the process. */
function warnCheckFailed(cause: string): void {
  warnOnce('redis_not_checked', `Redis could not be checked: ${cause}. The store works all the same.`);
}
