// Tracks whether Redis replies, as the calls of this process see it.

/**
 * - `never_ready`: Redis has not replied since the client was first used.
 * - `ready`: Redis replied to the last call.
 * - `degraded`: Redis replied before, but the last call failed or the connection was lost.
 * - `closed`: the store or its client was closed, and every call fails.
 */
export interface RedisHealth {
  readonly state: 'never_ready' | 'ready' | 'degraded' | 'closed';
  /** The last error of Redis or the client; null while ready. */
  readonly lastError: string | null;
  /** When this state began, by the clock of this process: milliseconds since 1970. */
  readonly since: number;
}

export class HealthTracker {
  #current: RedisHealth = { state: 'never_ready', lastError: null, since: Date.now() };

  get current(): RedisHealth {
    return this.#current;
  }

  markReady(): void {
    if (this.#current.state !== 'ready') this.#current = { state: 'ready', lastError: null, since: Date.now() };
  }

  markFailed(lastError: string): void {
    const { state, since } = this.#current;
    const began = state === 'ready' ? Date.now() : since;
    this.#current = { state: state === 'never_ready' ? state : 'degraded', lastError, since: began };
  }
}
