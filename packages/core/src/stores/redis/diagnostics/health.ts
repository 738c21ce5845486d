// Whether Redis answers, as the calls of this process saw it.

/**
 * - `never_ready`: nothing has been answered yet since the client was first used.
 * - `ready`: the last call was answered.
 * - `degraded`: it worked once; the last call failed, or the connection was lost.
 * - `closed`: the store or its client was closed; every call fails.
 */
export interface RedisHealth {
  readonly state: 'never_ready' | 'ready' | 'degraded' | 'closed';
  /** What Redis or the client said last that was no answer; null while ready. */
  readonly lastError: string | null;
  /** When this state began: milliseconds since 1970, by the clock of this process. */
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
