// The engine's client of one store in this process: calls with deadlines and retries, the store's clock, and the work in the background.
import { StoreError, type StoreErrorClass } from '../errors.js';
import { type EventSubject, publish, type UnnamedSubject } from '../events.js';
import type { IdempotencyStore } from '../store/port.js';
import { startDeadline } from '../timers.js';
import { type StoreTrace, storeChannel, traceCall } from '../tracing-channels.js';
import { CoalescedWaits } from './coalesced-wait.js';
import { registerDrain } from './drain-registry.js';
import { type FencingTokensOfStore, highestFencingTokensOf } from './highest-fencing-tokens.js';
import { RetryQueue } from './retry-queue.js';
import { StoreClock } from './store-clock.js';
import { backoffMs, callBackoff, monotonicMs, pause } from './time.js';

/** The engine waits this much longer than the store's own deadline, so that the store's error, which names the cause, comes first. */
const deadlineAllowance = 0.05;

/** What a call is about. `operation` is null where only the name of the record is known. */
export interface CallSubject {
  readonly recordName: string;
  readonly operation: string | null;
}

const clientsByStore = new WeakMap<IdempotencyStore, StoreClient>();

export class StoreClient {
  readonly clock = new StoreClock();
  readonly fencingTokens: FencingTokensOfStore;
  /** Outcomes that the store could not record at once. */
  readonly outcomeQueue: RetryQueue;
  /** Leases to release. A queue of its own, so that the many refused callers of an outage leave room for outcomes. */
  readonly releaseQueue: RetryQueue;
  /** Operations that still work although their result was given. Nothing is retried here: the queue bounds them, and drains. */
  readonly runningOperations: RetryQueue;
  readonly waits = new CoalescedWaits();
  /** The records whose operation runs in a transaction of this process: a duplicate needs no transaction to learn that. */
  readonly runningTransactions = new Set<string>();
  #isSubscribed = false;

  private constructor(readonly store: IdempotencyStore) {
    this.fencingTokens = highestFencingTokensOf(store);
    const { wrappedStore, retryQueueLimits } = store;
    // A store around another one shares its queues, so that a drain of either waits for both.
    const inner = wrappedStore === undefined ? null : StoreClient.forStore(wrappedStore);
    this.outcomeQueue = inner?.outcomeQueue ?? new RetryQueue(retryQueueLimits);
    this.releaseQueue = inner?.releaseQueue ?? new RetryQueue(retryQueueLimits);
    this.runningOperations = inner?.runningOperations ?? new RetryQueue();
    if (inner === null) registerDrain(store, async (timeoutMs) => await this.#drain(timeoutMs));
  }

  static forStore(store: IdempotencyStore): StoreClient {
    const known = clientsByStore.get(store);
    if (known !== undefined) return known;
    const storeClient = new StoreClient(store);
    clientsByStore.set(store, storeClient);
    return storeClient;
  }

  /** From the first waiting caller on, asks the store to notify of attempts that end in other processes, if it can. */
  subscribe(): void {
    if (this.#isSubscribed) return;
    this.#isSubscribed = true;
    this.store.onAttemptEnded?.((recordName) => this.waits.onAttemptEnded(recordName));
  }

  /** Returns whether nothing is left in the background of this copy of the package. */
  async #drain(timeoutMs: number): Promise<boolean> {
    const endsAt = monotonicMs() + timeoutMs;
    // First, because an operation that ends may add a release.
    const hasStopped = await this.runningOperations.drain(timeoutMs);
    const remainingMs = Math.max(0, endsAt - monotonicMs());
    const drained = await Promise.all([this.outcomeQueue.drain(remainingMs), this.releaseQueue.drain(remainingMs)]);
    return hasStopped && drained.every((done) => done);
  }

  eventSubject({ recordName, operation }: CallSubject): EventSubject {
    return { store: this.store.name, recordName, operation };
  }

  #errorSubject(subject: CallSubject | null): UnnamedSubject {
    return subject === null
      ? { store: this.store.name, recordName: null, operation: null }
      : this.eventSubject(subject);
  }

  /**
   * Makes one call, and rejects after `withinMs` if the store has not replied. Rejects with a `StoreError` only. A reply sets the clock;
   * a reply to `complete` or `release` wakes the callers that wait for the outcome. `subject` is null for a scan.
   */
  call<Reply extends { readonly now: number }>(
    verb: string,
    subject: CallSubject | null,
    send: () => Promise<Reply>,
    withinMs: number = this.store.callTimeoutMs,
  ): Promise<Reply> {
    if (!storeChannel.hasSubscribers) return this.#call(verb, subject, send, withinMs);
    const { recordName = null, operation = null } = subject ?? {};
    const trace: StoreTrace = { store: this.store.name, recordName, operation, verb };
    return traceCall(storeChannel, trace, () => this.#call(verb, subject, send, withinMs));
  }

  #call<Reply extends { readonly now: number }>(
    verb: string,
    subject: CallSubject | null,
    send: () => Promise<Reply>,
    withinMs: number,
  ): Promise<Reply> {
    // One promise instead of an async function with a race: every request makes two calls.
    return new Promise((resolve, reject) => {
      let isOver = false;
      const onError = (cause: unknown) => {
        clearTimeout(timer);
        if (isOver) return;
        isOver = true;
        const error = asStoreError(cause, verb);
        publish('store_error', () => ({ ...this.#errorSubject(subject), verb, class: error.class, error }));
        reject(error);
      };
      const ms = withinMs * (1 + deadlineAllowance);
      const timer = startDeadline(ms, () => onError(timeoutError(verb, ms)));
      const onReply = (reply: Reply) => {
        clearTimeout(timer);
        if (isOver) return;
        try {
          this.clock.observe(reply.now);
        } catch (cause) {
          // A store of others replied with nothing.
          return onError(cause);
        }
        if (subject !== null && (verb === 'complete' || verb === 'release')) this.waits.wake(subject.recordName);
        isOver = true;
        resolve(reply);
      };
      try {
        send().then(onReply, onError);
      } catch (cause) {
        onError(cause);
      }
    });
  }

  /** Runs `check` on a reply. Where the check throws, publishes `store_error`, as for any failure of the store. */
  verify<T>(verb: string, subject: CallSubject, check: () => T): T {
    try {
      return check();
    } catch (cause) {
      const error = asStoreError(cause, verb);
      publish('store_error', () => ({ ...this.eventSubject(subject), verb, class: error.class, error }));
      throw error;
    }
  }

  /** Repeats the call until there is a reply, until its bytes are refused, or until `endsAt`. Calls `onFailure` after each failed try. */
  callWithRetry<Reply extends { readonly now: number }>(
    verb: string,
    subject: CallSubject,
    send: () => Promise<Reply>,
    endsAt: number,
    onFailure: (error: StoreError) => void = () => {},
  ): Promise<Reply> {
    const tryOnce = () => this.call(verb, subject, send, Math.max(1, endsAt - monotonicMs()));
    return tryOnce().catch((error: unknown) => retryUntil(tryOnce, error, endsAt, onFailure));
  }

  /** Reads a record for the store's time alone, where no reply has given it yet. */
  async readStoreTime(subject: CallSubject, endsAt: number): Promise<number> {
    return (await this.callWithRetry('read', subject, () => this.store.read(subject.recordName), endsAt)).now;
  }
}

/** Whether a repeat of the call may succeed. The other classes need an operator or a programmer. */
export function isRetryable(storeClass: StoreErrorClass): boolean {
  return storeClass === 'unavailable' || storeClass === 'unknown';
}

/** Any other exception of a store says as little as a missing reply: the call may have been executed. */
function asStoreError(cause: unknown, verb: string): StoreError {
  if (cause instanceof StoreError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new StoreError('unknown', `The store failed to ${verb}: ${message}`, { cause });
}

function timeoutError(verb: string, ms: number): StoreError {
  return new StoreError('unknown', `The store did not reply to ${verb} within ${Math.round(ms)} ms.`);
}

/** Continues after a first try that failed. */
async function retryUntil<Reply>(
  tryOnce: () => Promise<Reply>,
  firstError: unknown,
  endsAt: number,
  onFailure: (error: StoreError) => void,
): Promise<Reply> {
  let error = firstError;
  for (let failures = 0; ; failures += 1) {
    if (!(error instanceof StoreError)) throw error;
    onFailure(error);
    const pauseMs = backoffMs(failures, callBackoff);
    // Refused bytes do not fit a moment later either.
    if (!isRetryable(error.class) || error.refusal !== null || monotonicMs() + pauseMs >= endsAt) throw error;
    await pause(pauseMs);
    try {
      return await tryOnce();
    } catch (again) {
      error = again;
    }
  }
}
