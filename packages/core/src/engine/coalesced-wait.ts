// Callers of this process that wait for the same outcome: one of them looks at the store, and all are told what it sees.
import type { NotAcquired } from './lease-acquirer.js';
import { monotonicMs, withJitter } from './time.js';
import type { WaitingCaller } from './waiting-caller.js';

const initialPauseMs = 20;
const maxPauseMs = 250;
/** Between looks that are there for an announcement that was lost, or for a process that died. */
const notifiedPauseMs = 1_000;

/** All such waits at one store. */
export class CoalescedWaits {
  readonly #byRecordName = new Map<string, Map<string, CoalescedWait>>();
  /** The store tells of ends in other processes: it did so last time. */
  receivesNotifications = false;

  /** Callers share a wait where the store would tell them the same: `alike` says of whom that is so. */
  getOrCreate(name: string, alike: string): CoalescedWait {
    const waits = this.#byRecordName.get(name) ?? new Map<string, CoalescedWait>();
    this.#byRecordName.set(name, waits);
    const known = waits.get(alike);
    if (known !== undefined) return known;
    const wait = new CoalescedWait(this, () => {
      waits.delete(alike);
      if (waits.size === 0) this.#byRecordName.delete(name);
    });
    waits.set(alike, wait);
    return wait;
  }

  /** An attempt has ended: nobody needs to wait for the next look. */
  wake(name: string): void {
    for (const wait of this.#byRecordName.get(name)?.values() ?? []) wait.wake();
  }

  /** The store has told of an end, in whatever process. */
  onAttemptEnded(name: string): void {
    this.receivesNotifications = true;
    this.wake(name);
  }
}

/** What a waiting caller does next: look from now on, look once since its time is over, stop since it left, or take what another saw. */
export type JoinResult = 'lead' | 'over' | 'left' | NotAcquired;

/**
 * One of them leads: it pauses, looks, and pauses again. The others sleep until it has seen the end, until it leaves and
 * one of them leads instead, or until their own time is over. There is always a leader.
 */
export class CoalescedWait {
  readonly #followers = new Set<(turn: JoinResult) => void>();
  #hasLeader = false;
  #pollCount = 0;
  #isWoken = false;
  /** The leader relies on being told: an end that it sees without has been missed. */
  #expectsNotification = false;
  #cancelPause = () => {};

  constructor(
    private readonly waits: CoalescedWaits,
    private readonly onEmpty: () => void,
  ) {}

  /** Whoever is told to lead must `leave`. */
  async join(endsAt: number, caller: WaitingCaller): Promise<JoinResult> {
    if (this.#hasLeader) return await new Promise<JoinResult>((resolve) => this.#follow(endsAt, caller, resolve));
    this.#hasLeader = true;
    return 'lead';
  }

  #follow(endsAt: number, caller: WaitingCaller, resolve: (turn: JoinResult) => void): void {
    const follower = (turn: JoinResult) => {
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
  async pauseBeforePoll(endsAt: number, caller: WaitingCaller): Promise<void> {
    this.#expectsNotification = this.waits.receivesNotifications && this.#pollCount > 0;
    const growingMs = Math.min(initialPauseMs * 1.5 ** this.#pollCount, maxPauseMs);
    const pauseMs = withJitter(this.#expectsNotification ? notifiedPauseMs : growingMs);
    this.#pollCount += 1;
    const ms = Math.min(pauseMs, endsAt - monotonicMs());
    if (!this.#isWoken) await new Promise<void>((resolve) => this.#sleep(ms, caller, resolve));
    if (this.#isWoken) this.#expectsNotification = false;
    this.#isWoken = false;
  }

  #sleep(ms: number, caller: WaitingCaller, resolve: () => void): void {
    const timer = setTimeout(resolve, ms);
    this.#cancelPause = () => {
      clearTimeout(timer);
      resolve();
    };
    caller.onLeave(this.#cancelPause);
  }

  /** Kept until the next pause: a look that is on its way may have come too early to see what ended. */
  wake(): void {
    this.#isWoken = true;
    this.#cancelPause();
  }

  /** The leader's last word: what it saw in the end, for all others; where that is only its own, one of them leads on. */
  handOver(end: NotAcquired | null): void {
    if (end !== null && this.#expectsNotification) this.waits.receivesNotifications = false;
    const [next] = this.#followers;
    if (end === null && next !== undefined) {
      next('lead');
      return;
    }
    if (end !== null) for (const follower of this.#followers) follower(end);
    this.onEmpty();
  }
}
