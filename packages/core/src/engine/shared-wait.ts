// Callers of this process that wait for the same outcome: one of them looks at the store, and all are told what it sees.
import type { Told } from './claimant.js';
import { jittered, monotonicMs } from './timing.js';

const firstPauseMs = 20;
const longestPauseMs = 250;

/** All such waits at one store. */
export class SharedWaits {
  readonly #byName = new Map<string, Map<string, SharedWait>>();

  /** Callers share a wait where the store would tell them the same: `alike` says of whom that is so. */
  join(name: string, alike: string): SharedWait {
    const waits = this.#byName.get(name) ?? new Map<string, SharedWait>();
    this.#byName.set(name, waits);
    const known = waits.get(alike);
    if (known !== undefined) return known;
    const wait = new SharedWait(() => {
      waits.delete(alike);
      if (waits.size === 0) this.#byName.delete(name);
    });
    waits.set(alike, wait);
    return wait;
  }

  /** An attempt of this process has ended: nobody needs to wait for the next look. */
  wake(name: string): void {
    for (const wait of this.#byName.get(name)?.values() ?? []) wait.wake();
  }
}

/** What a caller that waits is to do: look from now on, look once since its time is over, or believe what another saw. */
export type Turn = 'lead' | 'over' | Told;

/**
 * One of them leads: it pauses, looks, and pauses again. The others sleep until it has seen the end, until it leaves and
 * one of them leads instead, or until their own time is over. There is always a leader.
 */
export class SharedWait {
  readonly #followers = new Set<(turn: Turn) => void>();
  #isLed = false;
  #looks = 0;
  #isWoken = false;
  #endPause = () => {};

  constructor(private readonly onEmpty: () => void) {}

  /** Whoever is told to lead must `leave`. */
  async turn(endsAt: number): Promise<Turn> {
    if (this.#isLed) return await new Promise<Turn>((resolve) => this.#follow(endsAt, resolve));
    this.#isLed = true;
    return 'lead';
  }

  #follow(endsAt: number, resolve: (turn: Turn) => void): void {
    const follower = (turn: Turn) => {
      clearTimeout(timer);
      this.#followers.delete(follower);
      resolve(turn);
    };
    const timer = setTimeout(follower, endsAt - monotonicMs(), 'over');
    this.#followers.add(follower);
  }

  /** The leader's pause before it looks, longer from look to look; cut short where an attempt here has ended. */
  async pause(endsAt: number): Promise<void> {
    const pauseMs = jittered(Math.min(firstPauseMs * 1.5 ** this.#looks, longestPauseMs));
    this.#looks += 1;
    const ms = Math.min(pauseMs, endsAt - monotonicMs());
    if (!this.#isWoken) await new Promise<void>((resolve) => this.#rest(ms, resolve));
    this.#isWoken = false;
  }

  #rest(ms: number, resolve: () => void): void {
    const timer = setTimeout(resolve, ms);
    this.#endPause = () => {
      clearTimeout(timer);
      resolve();
    };
  }

  /** Kept until the next pause: a look that is on its way may have come too early to see what ended. */
  wake(): void {
    this.#isWoken = true;
    this.#endPause();
  }

  /** The leader's last word: what it saw in the end, for all others; where that is only its own, one of them leads on. */
  leave(end: Told | null): void {
    const [next] = this.#followers;
    if (end === null && next !== undefined) {
      next('lead');
      return;
    }
    if (end !== null) for (const follower of this.#followers) follower(end);
    this.onEmpty();
  }
}
