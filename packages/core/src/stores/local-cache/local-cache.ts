// localCache: outcomes that the store has told are kept in this process, and their replays do not ask it again.
import { LRUCache } from 'lru-cache';
import { parseOptions } from '../../parse-options.js';
import type * as messages from '../../protocol/messages.js';
import type { IdempotencyStore } from '../../store/port.js';
import { type LocalCacheOptions, localCacheSchema } from './local-cache-options.js';

type CompletedReply = messages.TimestampedReply & messages.CompletedStanding;

interface CacheEntry {
  /** The one for which the store answered. Another, or none, is the store's to compare. */
  readonly fingerprint: string | null;
  readonly reply: CompletedReply;
  /** In monotonic time. */
  readonly expiresAt: number;
}

/** What an outcome takes beside its bytes and texts: measured on Node 20, rounded up. */
const entryOverheadBytes = 512;
/** An outcome that takes a larger part of the whole would push out too many others. */
const maxEntryShare = 1 / 8;

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
  readonly #entries: LRUCache<string, CacheEntry>;
  /** How far the store's clock is ahead of the monotonic one, as its last answer of any kind told. */
  #clockOffsetMs = 0;
  /** How often something was dropped: an answer asked for before is not kept any more. */
  #invalidations = 0;

  constructor(store: IdempotencyStore, { maxBytes, maxAgeMs }: Required<LocalCacheOptions>) {
    this.#store = store;
    this.#maxAgeMs = maxAgeMs;
    this.#entries = new LRUCache({
      maxSize: maxBytes,
      maxEntrySize: Math.floor(maxBytes * maxEntryShare),
      sizeCalculation: entrySizeBytes,
    });
  }

  get name() {
    return this.#store.name;
  }

  get capabilities() {
    return this.#store.capabilities;
  }

  get callTimeoutMs() {
    return this.#store.callTimeoutMs;
  }

  async acquire(key: string, request: messages.AcquireRequest): Promise<messages.AcquireReply> {
    const kept = this.#lookUp(key, request.fingerprint);
    if (kept !== null) return kept;
    const [sentAt, drops] = [performance.now(), this.#invalidations];
    const answer = await this.#withClockOffset(this.#store.acquire(key, request));
    if (answer.kind === 'completed') {
      if (drops === this.#invalidations) this.#insert(key, request.fingerprint, answer, sentAt);
    } else if (answer.kind !== 'key_reused') {
      // Whatever was kept, the store knows better. That another fingerprint is refused says nothing against it.
      this.#entries.delete(key);
    }
    return answer;
  }

  async resolve(key: string, request: messages.ResolveRequest): Promise<messages.ResolveReply> {
    return await this.#withClockOffset(this.#store.resolve(key, request)).finally(() => this.#invalidate(key));
  }

  async remove(key: string): Promise<messages.TimestampedReply> {
    return await this.#withClockOffset(this.#store.remove(key)).finally(() => this.#invalidate(key));
  }

  async close(): Promise<void> {
    this.#invalidations += 1;
    this.#entries.clear();
    await this.#store.close();
  }

  renew: IdempotencyStore['renew'] = (lease, leaseMs) => this.#withClockOffset(this.#store.renew(lease, leaseMs));

  checkpoint: IdempotencyStore['checkpoint'] = (lease, point) =>
    this.#withClockOffset(this.#store.checkpoint(lease, point));

  complete: IdempotencyStore['complete'] = (lease, completion) =>
    this.#withClockOffset(this.#store.complete(lease, completion));

  release: IdempotencyStore['release'] = (holder, how) => this.#withClockOffset(this.#store.release(holder, how));

  read: IdempotencyStore['read'] = (key) => this.#withClockOffset(this.#store.read(key));

  scan: IdempotencyStore['scan'] = (request) => this.#withClockOffset(this.#store.scan(request));

  onAttemptEnded(listener: (key: string) => void): void {
    this.#store.onAttemptEnded?.(listener);
  }

  /** What is kept, as the store would answer by now; its bytes are the caller's own. */
  #lookUp(key: string, fingerprint: string | null): CompletedReply | null {
    const kept = this.#entries.get(key);
    if (kept === undefined || kept.fingerprint !== fingerprint) return null;
    const { reply, expiresAt } = kept;
    const monotonicNow = performance.now();
    const now = Math.floor(monotonicNow + this.#clockOffsetMs);
    const outcomeLeftMs = reply.now + reply.outcomeLeftMs - now;
    if (monotonicNow < expiresAt && outcomeLeftMs > 0) {
      return { ...reply, outcome: Buffer.from(reply.outcome), outcomeLeftMs, now };
    }
    this.#entries.delete(key);
    return null;
  }

  /** Its time counts from before it was asked for. Its bytes are an array of their own: a client's are part of a larger one. */
  #insert(key: string, fingerprint: string | null, answer: CompletedReply, sentAt: number): void {
    const expiresAt = sentAt + Math.min(answer.outcomeLeftMs, this.#maxAgeMs);
    this.#entries.set(key, { fingerprint, reply: { ...answer, outcome: new Uint8Array(answer.outcome) }, expiresAt });
  }

  #invalidate(key: string): void {
    this.#invalidations += 1;
    this.#entries.delete(key);
  }

  async #withClockOffset<Answer extends messages.TimestampedReply>(asked: Promise<Answer>): Promise<Answer> {
    const answer = await asked;
    this.#clockOffsetMs = answer.now - performance.now();
    return answer;
  }
}

function entrySizeBytes({ fingerprint, reply }: CacheEntry, key: string): number {
  const characters = key.length + (fingerprint?.length ?? 0) + (reply.note?.length ?? 0);
  return entryOverheadBytes + 2 * characters + reply.outcome.byteLength;
}
