// localCache: outcomes that the store has told are kept in this process, and their replays do not ask it again.
import { LRUCache } from 'lru-cache';
import { parseOptions } from '../options.js';
import type * as messages from '../protocol/messages.js';
import type { IdempotencyStore } from '../store/port.js';
import { type LocalCacheOptions, localCacheSchema } from './options.js';

type Completed = messages.Timed & messages.CompletedStanding;

interface Kept {
  /** The one for which the store answered. Another, or none, is the store's to compare. */
  readonly fingerprint: string | null;
  readonly answer: Completed;
  /** In monotonic time. */
  readonly endsAt: number;
}

/** What an outcome takes beside its bytes and texts: measured on Node 20, rounded up. */
const overheadBytes = 512;
/** An outcome that takes a larger part of the whole would push out too many others. */
const largestPart = 1 / 8;

/**
 * The same store, except that a completed record's answer, once the store has told it, is told again without a call.
 *
 * - Kept is only what can no longer change: the outcome of completed work, as the store answered it to `acquire`, for the
 *   very fingerprint that it was asked with. Everything else, tombstones too, goes to the store each time.
 * - Never kept longer than by the store, nor than `maxAgeMs`. So a `remove` elsewhere reaches this process within `maxAgeMs`;
 *   one through this very object at once.
 * - While the store does not answer, what is kept is still replayed.
 *
 * Use what it gives everywhere in the place of the store (`idempotency()`, `drain`, `resolve`): to the engine the two are
 * different stores. Throws a `ConfigurationError` for options that cannot be meant.
 */
export function localCache(store: IdempotencyStore, options: LocalCacheOptions = {}): IdempotencyStore {
  return new LocalCache(store, parseOptions('localCache()', localCacheSchema, options));
}

class LocalCache implements IdempotencyStore {
  readonly #store: IdempotencyStore;
  readonly #maxAgeMs: number;
  readonly #kept: LRUCache<string, Kept>;
  /** How far the store's clock is ahead of the monotonic one, as its last answer of any kind told. */
  #aheadMs = 0;
  /** How often something was dropped: an answer asked for before is not kept any more. */
  #drops = 0;

  constructor(store: IdempotencyStore, { maxBytes, maxAgeMs }: Required<LocalCacheOptions>) {
    this.#store = store;
    this.#maxAgeMs = maxAgeMs;
    this.#kept = new LRUCache({
      maxSize: maxBytes,
      maxEntrySize: Math.floor(maxBytes * largestPart),
      sizeCalculation: sizeOf,
    });
  }

  get name() {
    return this.#store.name;
  }

  get capabilities() {
    return this.#store.capabilities;
  }

  get timeoutMs() {
    return this.#store.timeoutMs;
  }

  async acquire(key: string, request: messages.AcquireRequest): Promise<messages.AcquireAnswer> {
    const kept = this.#find(key, request.fingerprint);
    if (kept !== null) return kept;
    const [sentAt, drops] = [performance.now(), this.#drops];
    const answer = await this.#heard(this.#store.acquire(key, request));
    if (answer.kind === 'completed') {
      if (drops === this.#drops) this.#keep(key, request.fingerprint, answer, sentAt);
    } else if (answer.kind !== 'mismatch') {
      // Whatever was kept, the store knows better. That another fingerprint is refused says nothing against it.
      this.#kept.delete(key);
    }
    return answer;
  }

  async resolve(key: string, request: messages.Resolve): Promise<messages.ResolveAnswer> {
    return await this.#heard(this.#store.resolve(key, request)).finally(() => this.#drop(key));
  }

  async remove(key: string): Promise<messages.Timed> {
    return await this.#heard(this.#store.remove(key)).finally(() => this.#drop(key));
  }

  async close(): Promise<void> {
    this.#drops += 1;
    this.#kept.clear();
    await this.#store.close();
  }

  renew: IdempotencyStore['renew'] = (lease, leaseMs) => this.#heard(this.#store.renew(lease, leaseMs));

  checkpoint: IdempotencyStore['checkpoint'] = (lease, point) => this.#heard(this.#store.checkpoint(lease, point));

  complete: IdempotencyStore['complete'] = (lease, completion) => this.#heard(this.#store.complete(lease, completion));

  release: IdempotencyStore['release'] = (holder, how) => this.#heard(this.#store.release(holder, how));

  read: IdempotencyStore['read'] = (key) => this.#heard(this.#store.read(key));

  scan: IdempotencyStore['scan'] = (request) => this.#heard(this.#store.scan(request));

  whenEnded(listener: (key: string) => void): void {
    this.#store.whenEnded?.(listener);
  }

  /** What is kept, as the store would answer by now; its bytes are the caller's own. */
  #find(key: string, fingerprint: string | null): Completed | null {
    const kept = this.#kept.get(key);
    if (kept === undefined || kept.fingerprint !== fingerprint) return null;
    const { answer, endsAt } = kept;
    const monotonicNow = performance.now();
    const now = Math.floor(monotonicNow + this.#aheadMs);
    const outcomeLeftMs = answer.now + answer.outcomeLeftMs - now;
    if (monotonicNow < endsAt && outcomeLeftMs > 0) {
      return { ...answer, outcome: Buffer.from(answer.outcome), outcomeLeftMs, now };
    }
    this.#kept.delete(key);
    return null;
  }

  /** Its time counts from before it was asked for. Its bytes are an array of their own: a client's are part of a larger one. */
  #keep(key: string, fingerprint: string | null, answer: Completed, sentAt: number): void {
    const endsAt = sentAt + Math.min(answer.outcomeLeftMs, this.#maxAgeMs);
    this.#kept.set(key, { fingerprint, answer: { ...answer, outcome: new Uint8Array(answer.outcome) }, endsAt });
  }

  #drop(key: string): void {
    this.#drops += 1;
    this.#kept.delete(key);
  }

  async #heard<Answer extends messages.Timed>(asked: Promise<Answer>): Promise<Answer> {
    const answer = await asked;
    this.#aheadMs = answer.now - performance.now();
    return answer;
  }
}

function sizeOf({ fingerprint, answer }: Kept, key: string): number {
  const characters = key.length + (fingerprint?.length ?? 0) + (answer.note?.length ?? 0);
  return overheadBytes + 2 * characters + answer.outcome.byteLength;
}
