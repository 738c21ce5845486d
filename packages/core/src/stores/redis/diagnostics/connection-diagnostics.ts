// What stands between a client and its server: what the client was told, and what it hides.

import { classifyMessage } from '../connection/classify-error.js';
import { CredentialsError } from '../connection/credentials.js';
import { redact } from '../connection/redact.js';
import { mastersOf, type RedisAddress, type RedisClient } from '../connection/redis-client.js';
import { type ConnectionFailure, probeServer } from './server-probe.js';

/** Long enough for a server on another continent to say its first line. */
const probeTimeoutMs = 1_000;
/** What ioredis says when it has said before what went wrong with a server. */
const secondaryErrorPattern =
  /^(Connection is closed|None of startup nodes|Failed to refresh slots|All sentinels are unreachable)/;

/** A server that is in trouble is asked no oftener. */
const minProbeIntervalMs = 2_000;

export class ConnectionDiagnostics {
  /** What the client itself was told, of a connection that the store owns: others' error events are not listened to. */
  #clientFailure: ConnectionFailure | null = null;
  #probedFailure: ConnectionFailure | null = null;
  #databaseFailure: ConnectionFailure | null = null;
  /** A function that was to give the password has failed, so that nothing was tried with the server. */
  #credentialsFailure: ConnectionFailure | null = null;
  #probeInProgress: Promise<void> | null = null;
  #lastProbeAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly client: RedisClient) {}

  /** The connection stands, and is one to another database than was asked for. */
  get databaseFailure(): ConnectionFailure | null {
    return this.#databaseFailure;
  }

  get failure(): ConnectionFailure | null {
    const first = this.#databaseFailure ?? this.#credentialsFailure;
    if (first !== null) return first;
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
    // What follows from an error that is known already does not take its place.
    if (secondaryErrorPattern.test(message) && (this.#clientFailure ?? this.#credentialsFailure) !== null) return;
    this.#credentialsFailure = null;
    const storeClass =
      classifyMessage(message.replace(/^Ready check failed: /, '')).class === 'misconfigured'
        ? 'misconfigured'
        : 'unavailable';
    this.#clientFailure = { class: storeClass, message: redact(message, this.client) };
  }

  /** ioredis goes on with database 0 where it is refused the one that it was told, or may not ask for it. */
  recordDatabaseError(error: Error): void {
    this.#databaseFailure = { class: 'misconfigured', message: redact(error.message, this.client) };
  }

  /** A new connection, to whatever database. */
  clearDatabaseFailure(): void {
    this.#databaseFailure = null;
  }

  clear(): void {
    this.#clientFailure = null;
    this.#probedFailure = null;
    this.#credentialsFailure = null;
  }

  /** Asks the server itself. Resolves when it is known; does nothing where that has just been done. */
  async diagnose(): Promise<void> {
    if (performance.now() - this.#lastProbeAt >= minProbeIntervalMs) {
      this.#lastProbeAt = performance.now();
      this.#probeInProgress = this.#runProbe();
    }
    await this.#probeInProgress;
  }

  async #runProbe(): Promise<void> {
    const address = addressToProbe(this.client);
    const found = address === undefined ? null : await probeServer(address, probeTimeoutMs);
    const isKnown = found === null || this.client.status === 'ready';
    this.#probedFailure = isKnown ? null : { ...found, message: redact(found.message, this.client) };
  }
}

/** Of a cluster one of the servers that the client knows; behind Sentinel a Sentinel. */
function addressToProbe(client: RedisClient): RedisAddress | undefined {
  const { sentinels, sentinelUsername: username, sentinelPassword: password, sentinelTLS: tls } = client.options;
  return sentinels?.[0] ? { ...sentinels[0], username, password, tls } : mastersOf(client)[0]?.options;
}

/** A cluster client that gives up on all nodes keeps what the last of them said. */
function rootCause(error: Error): Error {
  return 'lastNodeError' in error && error.lastNodeError instanceof Error ? error.lastNodeError : error;
}
