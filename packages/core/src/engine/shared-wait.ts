// Callers of this process that wait for the same outcome: one of them looks at the store, and all are told what it sees.
import type { Told } from './claimant.js';
import { jittered, monotonicMs } from './timing.js';
import type { WaitingCaller } from './waiting-caller.js';

const firstPauseMs = 20;
const longestPauseMs = 250;
/** Between looks that are there for an announcement that was lost, or for a process that died. */
const heardPauseMs = 1_000;

/** All such waits at one store. */
export class SharedWaits {
  readonly #byName = new Map<string, Map<string, SharedWait>>();
  /** The store tells of ends in other processes: it did so last time. */
  isHearing = false;

  /** Callers share a wait where the store would tell them the same: `alike` says of whom that is so. */
  join(name: string, alike: string): SharedWait {
    const waits = this.#byName.get(name) ?? new Map<string, SharedWait>();
    this.#byName.set(name, waits);
    const known = waits.get(alike);
    if (known !== undefined) return known;
    const wait = new SharedWait(this, () => {
      waits.delete(alike);
      if (waits.size === 0) this.#byName.delete(name);
    });
    waits.set(alike, wait);
    return wait;
  }

  /** An attempt has ended: nobody needs to wait for the next look. */
  wake(name: string): void {
    for (const wait of this.#byName.get(name)?.values() ?? []) wait.wake();
  }

  /** The store has told of an end, in whatever process. */
  heardOf(name: string): void {
    this.isHearing = true;
    this.wake(name);
  }
}

/** What a waiting caller does next: look from now on, look once since its time is over, stop since it left, or take what another saw. */
export type Turn = 'lead' | 'over' | 'left' | Told;

/**
 * One of them leads: it pauses, looks, and pauses again. The others sleep until it has seen the end, until it leaves and
 * one of them leads instead, or until their own time is over. There is always a leader.
 */
export class SharedWait {
  readonly #followers = new Set<(turn: Turn) => void>();
  #isLed = false;
  #looks = 0;
  #isWoken = false;
  /** The leader relies on being told: an end that it sees without has been missed. */
  #relies = false;
  #endPause = () => {};

  constructor(
    private readonly waits: SharedWaits,
    private readonly onEmpty: () => void,
  ) {}

  /** Whoever is told to lead must `leave`. */
  async turn(endsAt: number, caller: WaitingCaller): Promise<Turn> {
    if (this.#isLed) return await new Promise<Turn>((resolve) => this.#follow(endsAt, caller, resolve));
    this.#isLed = true;
    return 'lead';
  }

  #follow(endsAt: number, caller: WaitingCaller, resolve: (turn: Turn) => void): void {
    const follower = (turn: Turn) => {
      clearTimeout(timer);
      this.#followers.delete(follower);
      resolve(turn);
    };
    const timer = setTimeout(follower, endsAt - monotonicMs(), 'over');
    this.#followers.add(follower);
    caller.onLeave(() => follower('left'));
  }

  /**
   * The leader's pause before it looks, longer from look to look; cut short where an attempt has ended, or the caller has left.
   * The first is short even so: an end may have been told between a caller's own look and its wait.
   */
  async pause(endsAt: number, caller: WaitingCaller): Promise<void> {
    this.#relies = this.waits.isHearing && this.#looks > 0;
    const growingMs = Math.min(firstPauseMs * 1.5 ** this.#looks, longestPauseMs);
    const pauseMs = jittered(this.#relies ? heardPauseMs : growingMs);
    this.#looks += 1;
    const ms = Math.min(pauseMs, endsAt - monotonicMs());
    if (!this.#isWoken) await new Promise<void>((resolve) => this.#rest(ms, caller, resolve));
    if (this.#isWoken) this.#relies = false;
    this.#isWoken = false;
  }

  #rest(ms: number, caller: WaitingCaller, resolve: () => void): void {
    const timer = setTimeout(resolve, ms);
    this.#endPause = () => {
      clearTimeout(timer);
      resolve();
    };
    caller.onLeave(this.#endPause);
  }

  /** Kept until the next pause: a look that is on its way may have come too early to see what ended. */
  wake(): void {
    this.#isWoken = true;
    this.#endPause();
  }

  /** The leader's last word: what it saw in the end, for all others; where that is only its own, one of them leads on. */
  leave(end: Told | null): void {
    if (end !== null && this.#relies) this.waits.isHearing = false;
    const [next] = this.#followers;
    if (end === null && next !== undefined) {
      next('lead');
      return;
    }
    if (end !== null) for (const follower of this.#followers) follower(end);
    this.onEmpty();
  }
}
