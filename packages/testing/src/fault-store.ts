// FaultStore: a store whose calls fail on demand, before or after they take effect, or never return. It records every call.
import { StoreError, type StoreErrorClass } from '@onceguard/core';
import type { IdempotencyStore } from '@onceguard/core/store';

/** The operations for which a `FaultStore` injects faults and records calls. `scan`, `close` and `onAttemptEnded` always pass through. */
export type StoreMethod = 'acquire' | 'renew' | 'checkpoint' | 'complete' | 'release' | 'resolve' | 'read' | 'remove';

/**
 * Decides what happens to a call of a store. `pass` makes the call and returns the store's reply. A rule may call it before, after or
 * instead of doing something else. Its result is what the caller gets.
 *
 * @example
 * ```ts
 * import { MemoryStore } from '@onceguard/core';
 * import { FaultStore } from '@onceguard/testing';
 *
 * const slowly = async (pass) => {
 *   const reply = await pass();
 *   await new Promise((resolve) => setTimeout(resolve, 10));
 *   return reply;
 * };
 * const store = new FaultStore(new MemoryStore());
 * store.injectFault('read', slowly);
 * await store.read('order-1');
 * ```
 */
export type FaultRule = <Reply>(pass: () => Promise<Reply>) => Promise<Reply>;

/** The call fails with a `StoreError` of this class (default: `unavailable`) and has no effect. */
export const failsBefore =
  (storeClass: StoreErrorClass = 'unavailable'): FaultRule =>
  async () => {
    throw new StoreError(storeClass, 'FaultStore: the call failed before it took effect.');
  };

/** The call takes effect and its reply is lost: the caller gets a `StoreError` of class `unknown`. */
export const failsAfter: FaultRule = async (pass) => {
  await pass();
  throw new StoreError('unknown', 'FaultStore: the call took effect and its reply is lost.');
};

/** The call has no effect and never returns. */
export const hangs: FaultRule = async () => await new Promise(() => {});

/** The call takes effect and never returns. */
export const hangsAfter: FaultRule = async (pass) => {
  await pass();
  return await new Promise(() => {});
};

/** Runs `action` and waits for it, then makes the call. */
export const runFirst =
  (action: () => unknown): FaultRule =>
  async (pass) => {
    await action();
    return await pass();
  };

/** One recorded call of a `FaultStore`. */
export interface StoreCall {
  readonly method: StoreMethod;
  readonly key: string;
  /** The owner token, for methods that have one. */
  readonly ownerToken: string | undefined;
  /** The arguments without the key of `acquire`, `resolve`, `read` and `remove`. */
  readonly args: readonly unknown[];
}

interface InstalledRule {
  readonly method: StoreMethod;
  /** Counted from 1; null: every call. */
  readonly callNumber: number | null;
  readonly rule: FaultRule;
}

/**
 * A store that passes every call to another store, until `injectFault` says otherwise. It records all calls.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict';
 * import { makeIdempotent, MemoryStore } from '@onceguard/core';
 * import { FaultStore, failsAfter } from '@onceguard/testing';
 *
 * let charges = 0;
 * const store = new FaultStore(new MemoryStore());
 * store.injectFault('complete', failsAfter, 1); // the first outcome is recorded, and the reply is lost
 * const pay = makeIdempotent(() => ++charges, { store, scope: 'shop', key: (order) => order });
 * assert.equal(await pay('order-1'), await pay('order-1'));
 * assert.equal(charges, 1);
 * ```
 */
export class FaultStore implements IdempotencyStore {
  /** All calls so far, in order. */
  readonly calls: StoreCall[] = [];
  readonly #rules: InstalledRule[] = [];
  readonly #waiters = new Set<() => void>();
  readonly #callCounts = new Map<StoreMethod, number>();

  constructor(
    /** The store that gets the calls. A test may replace it at any time. */
    public inner: IdempotencyStore,
    /** The deadline of one call that callers assume, in milliseconds. Default: that of `inner`. */
    readonly callTimeoutMs: number = inner.callTimeoutMs,
  ) {}

  get name() {
    return this.inner.name;
  }

  get retryQueueLimits() {
    return this.inner.retryQueueLimits;
  }

  /**
   * Applies `rule` to the call of `method` with this number, or to every call if no number is given. Calls count from 1 and from the
   * construction of this store. If several rules match a call, the first one injected applies.
   */
  injectFault(method: StoreMethod, rule: FaultRule, callNumber: number | null = null): void {
    this.#rules.push({ method, callNumber, rule });
  }

  /** Removes all rules: from now on every call passes. */
  clearFaults(): void {
    this.#rules.length = 0;
  }

  /** The calls of one method so far, in order. */
  callsOf(method: StoreMethod): readonly StoreCall[] {
    return this.calls.filter((call) => call.method === method);
  }

  /** Resolves once `method` has been called `count` times since the construction of this store. */
  async waitForCalls(method: StoreMethod, count: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const check = () => {
        if ((this.#callCounts.get(method) ?? 0) < count) return;
        this.#waiters.delete(check);
        resolve();
      };
      this.#waiters.add(check);
      check();
    });
  }

  acquire: IdempotencyStore['acquire'] = (key, request) =>
    this.#call({ method: 'acquire', key, ownerToken: request.ownerToken, args: [request] }, () =>
      this.inner.acquire(key, request),
    );

  renew: IdempotencyStore['renew'] = (lease, leaseMs) =>
    this.#call({ method: 'renew', ...lease, args: [lease, leaseMs] }, () => this.inner.renew(lease, leaseMs));

  checkpoint: IdempotencyStore['checkpoint'] = (lease, checkpoint) =>
    this.#call({ method: 'checkpoint', ...lease, args: [lease, checkpoint] }, () =>
      this.inner.checkpoint(lease, checkpoint),
    );

  complete: IdempotencyStore['complete'] = (lease, completion) =>
    this.#call({ method: 'complete', ...lease, args: [lease, completion] }, () =>
      this.inner.complete(lease, completion),
    );

  release: IdempotencyStore['release'] = (holder, request) =>
    this.#call({ method: 'release', ...holder, args: [holder, request] }, () => this.inner.release(holder, request));

  resolve: IdempotencyStore['resolve'] = (key, request) =>
    this.#call({ method: 'resolve', key, ownerToken: undefined, args: [request] }, () =>
      this.inner.resolve(key, request),
    );

  read: IdempotencyStore['read'] = (key) =>
    this.#call({ method: 'read', key, ownerToken: undefined, args: [] }, () => this.inner.read(key));

  remove: IdempotencyStore['remove'] = (key) =>
    this.#call({ method: 'remove', key, ownerToken: undefined, args: [] }, () => this.inner.remove(key));

  scan: IdempotencyStore['scan'] = (request) => this.inner.scan(request);

  close: IdempotencyStore['close'] = () => this.inner.close();

  onAttemptEnded(listener: (key: string) => void): void {
    this.inner.onAttemptEnded?.(listener);
  }

  async #call<Reply>({ method, key, ownerToken, args }: StoreCall, pass: () => Promise<Reply>): Promise<Reply> {
    this.calls.push({ method, key, ownerToken, args });
    const count = (this.#callCounts.get(method) ?? 0) + 1;
    this.#callCounts.set(method, count);
    for (const check of [...this.#waiters]) check();
    const installed = this.#rules.find((entry) => entry.method === method && (entry.callNumber ?? count) === count);
    return installed === undefined ? await pass() : await installed.rule(pass);
  }
}
