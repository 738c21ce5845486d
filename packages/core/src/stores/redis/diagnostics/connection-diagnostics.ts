// Finds out why a client is not connected: from the errors that it emits, and from the server itself.

import { classifyMessage } from '../connection/classify-error.js';
import type { ConnectionFailure } from '../connection/client-observer.js';
import { CredentialsError } from '../connection/credentials.js';
import { redact } from '../connection/redact.js';
import { mastersOf, type RedisAddress, type RedisClient } from '../connection/redis-client.js';
import { probeServer, probeTimeoutMs } from './server-probe.js';

/** Errors of ioredis that follow from an earlier, more precise error. */
const secondaryErrorPattern =
  /^(Connection is closed|None of startup nodes|Failed to refresh slots|All sentinels are unreachable)/;

/** The least time between two probes, which spares a server that is in trouble. */
const minProbeIntervalMs = 2_000;

export class ConnectionDiagnostics {
  /**
   * An error that the client emitted. Only the store's own clients report it; the store does not listen to `error` of others.
   */
  #clientFailure: ConnectionFailure | null = null;
  #probedFailure: ConnectionFailure | null = null;
  #databaseFailure: ConnectionFailure | null = null;
  /** A credential function failed, so the client did not try to connect. */
  #credentialsFailure: ConnectionFailure | null = null;
  #probeInProgress: Promise<void> | null = null;
  #lastProbeAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly client: RedisClient) {}

  get databaseFailure(): ConnectionFailure | null {
    return this.#databaseFailure;
  }

  get failure(): ConnectionFailure | null {
    const certain = this.#databaseFailure ?? this.#credentialsFailure;
    if (certain !== null) return certain;
    const { class: storeClass } = this.#clientFailure ?? {};
    return storeClass === 'misconfigured' ? this.#clientFailure : (this.#probedFailure ?? this.#clientFailure);
  }

  recordClientError(error: Error): void {
    const cause = rootCause(error);
    const { message } = cause;
    if (cause instanceof CredentialsError) {
      this.#credentialsFailure = { class: 'unavailable', message: redact(message, this.client) };
      return;
    }
    // A secondary error does not replace the error that it follows from.
    if (secondaryErrorPattern.test(message) && (this.#clientFailure ?? this.#credentialsFailure) !== null) return;
    this.#credentialsFailure = null;
    const storeClass =
      classifyMessage(message.replace(/^Ready check failed: /, '')).class === 'misconfigured'
        ? 'misconfigured'
        : 'unavailable';
    this.#clientFailure = { class: storeClass, message: redact(message, this.client) };
  }

  /** If the server refuses the database of the options, or the right to SELECT it, ioredis goes on with database 0. */
  recordDatabaseError(error: Error): void {
    this.#databaseFailure = { class: 'misconfigured', message: redact(error.message, this.client) };
  }

  /** A new connection has not selected its database yet. */
  clearDatabaseFailure(): void {
    this.#databaseFailure = null;
  }

  clear(): void {
    this.#clientFailure = null;
    this.#probedFailure = null;
    this.#credentialsFailure = null;
  }

  /** Probes the server, unless a probe was started within `minProbeIntervalMs`. Resolves when the last probe has ended. */
  async diagnose(): Promise<void> {
    if (performance.now() - this.#lastProbeAt >= minProbeIntervalMs) {
      this.#lastProbeAt = performance.now();
      this.#probeInProgress = this.#runProbe();
    }
    await this.#probeInProgress;
  }

  async #runProbe(): Promise<void> {
    const address = addressToProbe(this.client);
    const failure = address === undefined ? null : await probeServer(address, probeTimeoutMs);
    const isReachable = failure === null || this.client.status === 'ready';
    this.#probedFailure = isReachable ? null : { ...failure, message: redact(failure.message, this.client) };
  }
}

/** In a cluster one of the masters that the client knows; behind Sentinel a Sentinel. */
function addressToProbe(client: RedisClient): RedisAddress | undefined {
  const { sentinels, sentinelUsername: username, sentinelPassword: password, sentinelTLS: tls } = client.options;
  return sentinels?.[0] ? { ...sentinels[0], username, password, tls } : mastersOf(client)[0]?.options;
}

/** The error of a cluster client that has given up on all nodes holds the error of the last node. */
function rootCause(error: Error): Error {
  return 'lastNodeError' in error && error.lastNodeError instanceof Error ? error.lastNodeError : error;
}
