// What stands between a client and its server: what the client was told, and what it hides.
import { mastersOf, type RedisAddress, type RedisClient } from './client.js';
import { CredentialsError } from './credentials.js';
import { meaningOf } from './failure.js';
import { probe, type Refusal } from './probe.js';
import { redacted } from './redact.js';

/** Long enough for a server on another continent to say its first line. */
const probeTimeoutMs = 1_000;
/** What ioredis says when it has said before what went wrong with a server. */
const consequence =
  /^(Connection is closed|None of startup nodes|Failed to refresh slots|All sentinels are unreachable)/;

/** A server that is in trouble is asked no oftener. */
const leastPauseMs = 2_000;

export class Obstacle {
  /** What the client itself was told, of a connection that the store owns: others' error events are not listened to. */
  #told: Refusal | null = null;
  #probed: Refusal | null = null;
  #database: Refusal | null = null;
  /** A function that was to give the password has failed, so that nothing was tried with the server. */
  #credentials: Refusal | null = null;
  #probing: Promise<void> | null = null;
  #probedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly client: RedisClient) {}

  /** The connection stands, and is one to another database than was asked for. */
  get wrongDatabase(): Refusal | null {
    return this.#database;
  }

  get refusal(): Refusal | null {
    const first = this.#database ?? this.#credentials;
    if (first !== null) return first;
    const { class: storeClass } = this.#told ?? {};
    return storeClass === 'misconfigured' ? this.#told : (this.#probed ?? this.#told);
  }

  heard(error: Error): void {
    const cause = causeOf(error);
    const { message } = cause;
    if (cause instanceof CredentialsError) {
      this.#credentials = { class: 'unavailable', message: redacted(message, this.client) };
      return;
    }
    // What follows from an error that is known already does not take its place.
    if (consequence.test(message) && (this.#told ?? this.#credentials) !== null) return;
    this.#credentials = null;
    const storeClass =
      meaningOf(message.replace(/^Ready check failed: /, '')).class === 'misconfigured'
        ? 'misconfigured'
        : 'unavailable';
    this.#told = { class: storeClass, message: redacted(message, this.client) };
  }

  /** ioredis goes on with database 0 where it is refused the one that it was told, or may not ask for it. */
  refusedDatabase(error: Error): void {
    this.#database = { class: 'misconfigured', message: redacted(error.message, this.client) };
  }

  /** A new connection, to whatever database. */
  connected(): void {
    this.#database = null;
  }

  gone(): void {
    this.#told = null;
    this.#probed = null;
    this.#credentials = null;
  }

  /** Asks the server itself. Resolves when it is known; does nothing where that has just been done. */
  async look(): Promise<void> {
    if (performance.now() - this.#probedAt >= leastPauseMs) {
      this.#probedAt = performance.now();
      this.#probing = this.#probe();
    }
    await this.#probing;
  }

  async #probe(): Promise<void> {
    const address = addressOf(this.client);
    const found = address === undefined ? null : await probe(address, probeTimeoutMs);
    const isKnown = found === null || this.client.status === 'ready';
    this.#probed = isKnown ? null : { ...found, message: redacted(found.message, this.client) };
  }
}

/** Of a cluster one of the servers that the client knows; behind Sentinel a Sentinel. */
function addressOf(client: RedisClient): RedisAddress | undefined {
  const { sentinels, sentinelUsername: username, sentinelPassword: password, sentinelTLS: tls } = client.options;
  return sentinels?.[0] ? { ...sentinels[0], username, password, tls } : mastersOf(client)[0]?.options;
}

/** A cluster client that gives up on all nodes keeps what the last of them said. */
function causeOf(error: Error): Error {
  return 'lastNodeError' in error && error.lastNodeError instanceof Error ? error.lastNodeError : error;
}
