// Callers of this process that wait for the same outcome: one of them polls the store, and all get the reply.
import type { NotAcquired } from './acquisition.js';
import { monotonicMs, withJitter } from './time.js';
import type { WaitingCaller } from './waiting-caller.js';

const initialPauseMs = 20;
const maxPauseMs = 250;
/** The pause where the store notifies: polls are needed then only for a lost notification, or for a process that died. */
const notifiedPauseMs = 1_000;

/** All waits at one store. */
export class CoalescedWaits {
  readonly #byRecordName = new Map<string, Map<string, CoalescedWait>>();
  /** Whether the store notifies of attempts that end in other processes: it did so the last time. */
  receivesNotifications = false;

  /** Callers with the same `variantKey` share a wait, because the store would give them the same reply. */
  getOrCreate(recordName: string, variantKey: string): CoalescedWait {
    const waits = this.#byRecordName.get(recordName) ?? new Map<string, CoalescedWait>();
    this.#byRecordName.set(recordName, waits);
    const known = waits.get(variantKey);
    if (known !== undefined) return known;
    const wait = new CoalescedWait(this, () => {
      waits.delete(variantKey);
      if (waits.size === 0) this.#byRecordName.delete(recordName);
    });
    waits.set(variantKey, wait);
    return wait;
  }

  /** An attempt of this process has ended: the next poll does not wait. */
  wake(recordName: string): void {
    for (const wait of this.#byRecordName.get(recordName)?.values() ?? []) wait.wake();
  }

  /** The store has notified of an attempt that ended, in whatever process. */
  onAttemptEnded(recordName: string): void {
    this.receivesNotifications = true;
    this.wake(recordName);
  }
}

/**
 * What a caller that waits does next: `poll` from now on for all; poll once for itself, because its time is over (`timed_out`); stop,
 * because it has left (`caller_gone`); or take the reply that another caller got.
 */
export type JoinResult = 'poll' | 'timed_out' | 'caller_gone' | NotAcquired;

/**
 * One caller, the leader, pauses and polls until it gets a final reply. The others sleep until it has that reply, until it leaves and
 * one of them becomes the leader, or until their own time is over. A wait always has a leader.
 */
export class CoalescedWait {
  readonly #followers = new Set<(result: JoinResult) => void>();
  #hasLeader = false;
  #pollCount = 0;
  #isWoken = false;
  /** The current pause is long because a notification should end it. A final reply after it means that a notification was lost. */
  #expectsNotification = false;
  #cancelPause = () => {};

  constructor(
    private readonly waits: CoalescedWaits,
    private readonly onEmpty: () => void,
  ) {}

  /** Whoever gets `poll` must call `handOver` in the end. */
  async join(endsAt: number, caller: WaitingCaller): Promise<JoinResult> {
    if (this.#hasLeader) return await new Promise<JoinResult>((resolve) => this.#follow(endsAt, caller, resolve));
    this.#hasLeader = true;
    return 'poll';
  }

  #follow(endsAt: number, caller: WaitingCaller, resolve: (result: JoinResult) => void): void {
    const follower = (result: JoinResult) => {
      clearTimeout(timer);
      this.#followers.delete(follower);
      resolve(result);
    };
    const timer = setTimeout(follower, Math.max(0, endsAt - monotonicMs()), 'timed_out');
    this.#followers.add(follower);
    caller.onLeave(() => follower('caller_gone'));
  }

  /**
   * The leader's pause before a poll. It grows from poll to poll, and ends early when an attempt has ended or the caller has left. The
   * first one is short even where the store notifies: a notification may have come between the caller's own call and this wait.
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

  /** Is remembered until the next pause: a poll that is on its way may reach the store before the attempt has ended there. */
  wake(): void {
    this.#isWoken = true;
    this.#cancelPause();
  }

  /** The leader stops. Its final reply goes to all followers; where it has none (null), one of them becomes the leader. */
  handOver(finalReply: NotAcquired | null): void {
    if (finalReply !== null && this.#expectsNotification) this.waits.receivesNotifications = false;
    const [next] = this.#followers;
    if (finalReply === null && next !== undefined) {
      next('poll');
      return;
    }
    if (finalReply !== null) for (const follower of this.#followers) follower(finalReply);
    this.onEmpty();
  }
}
