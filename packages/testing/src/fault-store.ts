// A store whose calls fail as told: before or after they took effect, or without any answer. It remembers every call.
import { StoreError, type StoreErrorClass } from '@onceguard/core';
import type { IdempotencyStore } from '@onceguard/core/store';

/** What of a store fails as told; `scan`, `close` and `whenEnded` always pass. */
export type StoreMethod = 'acquire' | 'renew' | 'checkpoint' | 'complete' | 'release' | 'resolve' | 'read' | 'remove';

/** What becomes of a call: it may pass it on, before, after or instead of something else. */
export type FaultRule = <Answer>(pass: () => Promise<Answer>) => Promise<Answer>;

/** The call fails and has had no effect. */
export const failsBefore =
  (storeClass: StoreErrorClass = 'unavailable'): FaultRule =>
  async () => {
    throw new StoreError(storeClass, 'It was told to fail before.');
  };

/** The call took effect, and its answer is lost. */
export const failsAfter: FaultRule = async (pass) => {
  await pass();
  throw new StoreError('unknown', 'It was told to fail after.');
};

/** The call never arrives, and nothing is said. */
export const hangs: FaultRule = async () => await new Promise(() => {});

/** The call takes effect, and nothing is said. */
export const hangsAfter: FaultRule = async (pass) => {
  await pass();
  return await new Promise(() => {});
};

/** Something happens first; then the call goes on. */
export const runFirst =
  (action: () => unknown): FaultRule =>
  async (pass) => {
    await action();
    return await pass();
  };

export interface StoreCall {
  readonly method: StoreMethod;
  readonly key: string;
  /** By which token, of those verbs that have one. */
  readonly ownerToken: string | undefined;
  /** The arguments as they were passed. */
  readonly args: readonly unknown[];
}

interface InstalledRule {
  readonly method: StoreMethod;
  /** Counted from 1; `null`: every one. */
  readonly callNumber: number | null;
  readonly rule: FaultRule;
}

/**
 * Stands between the engine and a store. Every call passes until `on` says otherwise.
 *
 * ```ts
 * const store = new FaultStore(new MemoryStore());
 * store.on('complete', failsAfter, 1); // the first recording takes effect, and its answer is lost
 * ```
 */
export class FaultStore implements IdempotencyStore {
  readonly calls: StoreCall[] = [];
  readonly #rules: InstalledRule[] = [];
  readonly #waiters = new Set<() => void>();
  readonly #callCounts = new Map<StoreMethod, number>();

  constructor(
    /** The store that does the work; a test may put another in its place. */
    public inner: IdempotencyStore,
    /** What its callers are told as the deadline of one call. Default: that of the store within. */
    readonly callTimeoutMs: number = inner.callTimeoutMs,
  ) {}

  get name() {
    return this.inner.name;
  }

  get retryQueueLimits() {
    return this.inner.retryQueueLimits;
  }

  /** Interferes with a verb's `call`-th call, counted from the making of this store; without a number with every one. */
  injectFault(method: StoreMethod, rule: FaultRule, callNumber: number | null = null): void {
    this.#rules.push({ method, callNumber, rule });
  }

  /** From now on every call passes. */
  clearFaults(): void {
    this.#rules.length = 0;
  }

  callsOf(verb: StoreMethod): readonly StoreCall[] {
    return this.calls.filter((call) => call.method === verb);
  }

  /** Resolves when a verb has been called so often. */
  async waitForCalls(verb: StoreMethod, times: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = () => {
        if ((this.#callCounts.get(verb) ?? 0) < times) return;
        this.#waiters.delete(look);
        resolve();
      };
      this.#waiters.add(look);
      look();
    });
  }

  acquire: IdempotencyStore['acquire'] = (key, request) =>
    this.#call({ method: 'acquire', key, ownerToken: request.ownerToken, args: [request] }, () =>
      this.inner.acquire(key, request),
    );

  renew: IdempotencyStore['renew'] = (lease, leaseMs) =>
    this.#call({ method: 'renew', ...lease, args: [lease, leaseMs] }, () => this.inner.renew(lease, leaseMs));

  checkpoint: IdempotencyStore['checkpoint'] = (lease, point) =>
    this.#call({ method: 'checkpoint', ...lease, args: [lease, point] }, () => this.inner.checkpoint(lease, point));

  complete: IdempotencyStore['complete'] = (lease, completion) =>
    this.#call({ method: 'complete', ...lease, args: [lease, completion] }, () =>
      this.inner.complete(lease, completion),
    );

  release: IdempotencyStore['release'] = (holder, how) =>
    this.#call({ method: 'release', ...holder, args: [holder, how] }, () => this.inner.release(holder, how));

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

  async #call<Answer>({ method, key, ownerToken, args }: StoreCall, pass: () => Promise<Answer>): Promise<Answer> {
    this.calls.push({ method, key, ownerToken, args });
    const count = (this.#callCounts.get(method) ?? 0) + 1;
    this.#callCounts.set(method, count);
    for (const look of [...this.#waiters]) look();
    const found = this.#rules.find((one) => one.method === method && (one.callNumber ?? count) === count);
    return found === undefined ? await pass() : await found.rule(pass);
  }
}
