// A store whose calls fail as told: before or after they took effect, or without any answer. It remembers every call.
import { StoreError, type StoreErrorClass } from '@onceguard/core';
import type { IdempotencyStore } from '@onceguard/core/store';

/** What of a store fails as told; `scan`, `close` and `whenEnded` always pass. */
export type StoreVerb = 'acquire' | 'renew' | 'checkpoint' | 'complete' | 'release' | 'resolve' | 'read' | 'remove';

/** What becomes of a call: it may pass it on, before, after or instead of something else. */
export type Interference = <Answer>(pass: () => Promise<Answer>) => Promise<Answer>;

/** The call fails and has had no effect. */
export const failsBefore =
  (storeClass: StoreErrorClass = 'unavailable'): Interference =>
  async () => {
    throw new StoreError(storeClass, 'It was told to fail before.');
  };

/** The call took effect, and its answer is lost. */
export const failsAfter: Interference = async (pass) => {
  await pass();
  throw new StoreError('unknown', 'It was told to fail after.');
};

/** The call never arrives, and nothing is said. */
export const hangs: Interference = async () => await new Promise(() => {});

/** The call takes effect, and nothing is said. */
export const hangsAfter: Interference = async (pass) => {
  await pass();
  return await new Promise(() => {});
};

/** Something happens first; then the call goes on. */
export const preceded =
  (by: () => unknown): Interference =>
  async (pass) => {
    await by();
    return await pass();
  };

export interface StoreCall {
  readonly verb: StoreVerb;
  readonly key: string;
  /** By which token, of those verbs that have one. */
  readonly token: string | undefined;
  /** The arguments as they were passed. */
  readonly args: readonly unknown[];
}

interface Interfered {
  readonly verb: StoreVerb;
  /** Counted from 1; `null`: every one. */
  readonly call: number | null;
  readonly interference: Interference;
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
  readonly #interfered: Interfered[] = [];
  readonly #watchers = new Set<() => void>();
  readonly #counts = new Map<StoreVerb, number>();

  constructor(
    /** The store that does the work; a test may put another in its place. */
    public inner: IdempotencyStore,
    /** What its callers are told as the deadline of one call. Default: that of the store within. */
    readonly timeoutMs: number = inner.timeoutMs,
  ) {}

  get name() {
    return this.inner.name;
  }

  get capabilities() {
    return this.inner.capabilities;
  }

  /** Interferes with a verb's `call`-th call, counted from the making of this store; without a number with every one. */
  on(verb: StoreVerb, interference: Interference, call: number | null = null): void {
    this.#interfered.push({ verb, call, interference });
  }

  /** From now on every call passes. */
  heal(): void {
    this.#interfered.length = 0;
  }

  of(verb: StoreVerb): readonly StoreCall[] {
    return this.calls.filter((call) => call.verb === verb);
  }

  /** Resolves when a verb has been called so often. */
  async called(verb: StoreVerb, times: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = () => {
        if ((this.#counts.get(verb) ?? 0) < times) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  acquire: IdempotencyStore['acquire'] = (key, request) =>
    this.#call({ verb: 'acquire', key, token: request.token, args: [request] }, () => this.inner.acquire(key, request));

  renew: IdempotencyStore['renew'] = (lease, leaseMs) =>
    this.#call({ verb: 'renew', ...lease, args: [lease, leaseMs] }, () => this.inner.renew(lease, leaseMs));

  checkpoint: IdempotencyStore['checkpoint'] = (lease, point) =>
    this.#call({ verb: 'checkpoint', ...lease, args: [lease, point] }, () => this.inner.checkpoint(lease, point));

  complete: IdempotencyStore['complete'] = (lease, completion) =>
    this.#call({ verb: 'complete', ...lease, args: [lease, completion] }, () => this.inner.complete(lease, completion));

  release: IdempotencyStore['release'] = (holder, how) =>
    this.#call({ verb: 'release', ...holder, args: [holder, how] }, () => this.inner.release(holder, how));

  resolve: IdempotencyStore['resolve'] = (key, request) =>
    this.#call({ verb: 'resolve', key, token: undefined, args: [request] }, () => this.inner.resolve(key, request));

  read: IdempotencyStore['read'] = (key) =>
    this.#call({ verb: 'read', key, token: undefined, args: [] }, () => this.inner.read(key));

  remove: IdempotencyStore['remove'] = (key) =>
    this.#call({ verb: 'remove', key, token: undefined, args: [] }, () => this.inner.remove(key));

  scan: IdempotencyStore['scan'] = (request) => this.inner.scan(request);

  close: IdempotencyStore['close'] = () => this.inner.close();

  whenEnded(listener: (key: string) => void): void {
    this.inner.whenEnded?.(listener);
  }

  async #call<Answer>({ verb, key, token, args }: StoreCall, pass: () => Promise<Answer>): Promise<Answer> {
    this.calls.push({ verb, key, token, args });
    const count = (this.#counts.get(verb) ?? 0) + 1;
    this.#counts.set(verb, count);
    for (const look of [...this.#watchers]) look();
    const found = this.#interfered.find((one) => one.verb === verb && (one.call ?? count) === count);
    return found === undefined ? await pass() : await found.interference(pass);
  }
}
