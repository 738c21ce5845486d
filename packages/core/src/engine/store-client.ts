// A store as the engine knows it in this process: its clock, the fencing tokens seen, who waits, what is still to be said.
import { StoreError, type StoreErrorClass } from '../errors.js';
import { type EventSubject, publish } from '../events.js';
import type { IdempotencyStore } from '../store/port.js';
import { CoalescedWaits } from './coalesced-wait.js';
import { registerDrain } from './drain-registry.js';
import { type FencingTokensOfStore, highestFencingTokensOf } from './highest-fencing-tokens.js';
import { RetryQueue } from './retry-queue.js';
import { StoreClock } from './store-clock.js';
import { monotonicMs, pause, withJitter } from './time.js';

/** A store that keeps its own deadline knows better what it was waiting for: it is given a moment to say so. */
const deadlineAllowance = 0.05;

const clientsByStore = new WeakMap<IdempotencyStore, StoreClient>();

export class StoreClient {
  readonly clock = new StoreClock();
  readonly fencingTokens: FencingTokensOfStore;
  /** Results that the store could not take at once. */
  readonly outcomeQueue = new RetryQueue();
  /** Leases to be given back. Apart, so that an outage full of callers that were refused leaves room for results. */
  readonly releaseQueue = new RetryQueue();
  /** Operations that still work although their result was given: their keys are released afterwards. */
  readonly runningOperations = new RetryQueue();
  readonly waits = new CoalescedWaits();
  #isSubscribed = false;

  private constructor(readonly store: IdempotencyStore) {
    this.fencingTokens = highestFencingTokensOf(store);
    registerDrain(store, async (timeoutMs) => await this.#drain(timeoutMs));
  }

  static forStore(store: IdempotencyStore): StoreClient {
    const known = clientsByStore.get(store);
    if (known !== undefined) return known;
    const link = new StoreClient(store);
    clientsByStore.set(store, link);
    return link;
  }

  /** From the first that waits on, the store is to tell of ends in other processes, if it can. */
  subscribe(): void {
    if (this.#isSubscribed) return;
    this.#isSubscribed = true;
    this.store.onAttemptEnded?.((name) => this.waits.onAttemptEnded(name));
  }

  /** True: nothing is left in the background of this copy of the package. */
  async #drain(timeoutMs: number): Promise<boolean> {
    const endsAt = monotonicMs() + timeoutMs;
    // First: what ends there may leave a release.
    const hasStopped = await this.runningOperations.drain(timeoutMs);
    const leftMs = Math.max(0, endsAt - monotonicMs());
    const drained = await Promise.all([this.outcomeQueue.drain(leftMs), this.releaseQueue.drain(leftMs)]);
    return hasStopped && drained.every((done) => done);
  }

  eventSubject(recordName: string): EventSubject {
    return { store: this.store.name, recordName };
  }

  /**
   * One call, ended after `withinMs` whatever the store does. Fails with a `StoreError`, and teaches the clock. What ends an
   * attempt wakes those who wait for it.
   */
  call<Answer extends { readonly now: number }>(
    verb: string,
    name: string,
    call: () => Promise<Answer>,
    withinMs: number = this.store.callTimeoutMs,
  ): Promise<Answer> {
    // One promise and no async function: every request comes here twice.
    return new Promise((resolve, reject) => {
      let isOver = false;
      const failed = (cause: unknown) => {
        clearTimeout(timer);
        if (isOver) return;
        isOver = true;
        const error = asStoreError(cause, verb);
        publish('store_error', () => ({ ...this.eventSubject(name), verb, class: error.class, error }));
        reject(error);
      };
      const ms = withinMs * (1 + deadlineAllowance);
      const timer = setTimeout(() => failed(timeoutError(verb, ms)), ms);
      const answered = (answer: Answer) => {
        clearTimeout(timer);
        if (isOver) return;
        this.clock.observe(answer.now);
        if (verb === 'complete' || verb === 'release') this.waits.wake(name);
        isOver = true;
        resolve(answer);
      };
      try {
        call().then(answered).catch(failed);
      } catch (cause) {
        failed(cause);
      }
    });
  }

  /** Checks what the store answered. Where it is damaged, that is an event as any failure of the store is. */
  verify<T>(verb: string, name: string, inspect: () => T): T {
    try {
      return inspect();
    } catch (cause) {
      const error = asStoreError(cause, verb);
      publish('store_error', () => ({ ...this.eventSubject(name), verb, class: error.class, error }));
      throw error;
    }
  }

  /** The same call again and again until it is answered or its bytes are refused, or until `endsAt`. */
  callWithRetry<Answer extends { readonly now: number }>(
    verb: string,
    name: string,
    call: () => Promise<Answer>,
    endsAt: number,
    onFailure: (error: StoreError) => void = () => {},
  ): Promise<Answer> {
    const ask = () => this.call(verb, name, call, Math.max(1, endsAt - monotonicMs()));
    return ask().catch((error: unknown) => retryUntil(ask, error, endsAt, onFailure));
  }

  /** The store's time, where no answer has told it yet. */
  async now(name: string, endsAt: number): Promise<number> {
    return (await this.callWithRetry('read', name, () => this.store.read(name), endsAt)).now;
  }
}

/** What may succeed when repeated: the rest needs an operator or a programmer. */
export function isRetryable(storeClass: StoreErrorClass): boolean {
  return storeClass === 'unavailable' || storeClass === 'unknown';
}

/** A store's exception of any other kind says as little as silence: the call was perhaps executed. */
function asStoreError(cause: unknown, verb: string): StoreError {
  if (cause instanceof StoreError) return cause;
  const said = cause instanceof Error ? cause.message : String(cause);
  return new StoreError('unknown', `The store failed to ${verb}: ${said}`, { cause });
}

function timeoutError(verb: string, ms: number): StoreError {
  return new StoreError('unknown', `The store did not answer to ${verb} within ${Math.round(ms)} ms.`);
}

/** What goes on where a first call has failed. */
async function retryUntil<Answer>(
  ask: () => Promise<Answer>,
  failure: unknown,
  endsAt: number,
  onFailure: (error: StoreError) => void,
): Promise<Answer> {
  let error = failure;
  for (let failures = 0; ; failures += 1) {
    if (!(error instanceof StoreError)) throw error;
    onFailure(error);
    const pauseMs = withJitter(Math.min(10 * 2 ** failures, 200));
    // The same bytes do not fit a moment later either.
    if (!isRetryable(error.class) || error.refusal !== null || monotonicMs() + pauseMs >= endsAt) throw error;
    await pause(pauseMs);
    try {
      return await ask();
    } catch (again) {
      error = again;
    }
  }
}
