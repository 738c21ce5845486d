// localCache: keeps completed outcomes in this process, so that their replays need no call to the store.
import { LRUCache } from 'lru-cache';
import { markCached } from '../../cached-replies.js';
import { parseOptions } from '../../parse-options.js';
import type * as messages from '../../protocol/messages.js';
import type { IdempotencyStore } from '../../store/port.js';
import { type CheckedLocalCacheOptions, type LocalCacheOptions, localCacheSchema } from './local-cache-options.js';

type CompletedReply = messages.TimestampedReply & messages.CompletedStanding;

interface CacheEntry {
  /** The fingerprint of the request that got this reply. Only the store compares it with another one, or with none. */
  readonly fingerprint: string | null;
  readonly reply: CompletedReply;
  /** In milliseconds of the monotonic clock. */
  readonly expiresAt: number;
}

/** The memory that an entry takes beside its bytes and texts: measured on Node 20, rounded up. */
const entryOverheadBytes = 512;
/** A larger outcome would push out too many others. */
const maxEntryShare = 1 / 8;

/**
 * Wraps a store: replays of completed work come from the memory of this process, without a call to the store.
 *
 * - It caches only what can no longer change: the outcome of completed work, as the store replied it to `acquire`, together with the
 *   fingerprint of that request. Everything else, tombstones too, goes to the store each time.
 * - It caches an outcome no longer than the store keeps it, and no longer than `maxAgeMs`. A `remove` by another process takes effect
 *   here within `maxAgeMs`; a `remove` through this object takes effect at once.
 * - While the store cannot be reached, cached outcomes are still replayed.
 *
 * Use the result everywhere in place of the store (`idempotency()`, `makeIdempotent`, `resolveDoubt`). Both share what this process still
 * has to record: `drainStore` of either waits for both. Throws a `ConfigurationError` for options that are not valid.
 *
 * @example
 * const store = localCache(await RedisStore.connect(url), { maxAgeMs: 10_000 });
 */
export function localCache(store: IdempotencyStore, options: LocalCacheOptions = {}): IdempotencyStore {
  return new LocalCache(store, parseOptions('localCache()', localCacheSchema, options));
}

class LocalCache implements IdempotencyStore {
  readonly name: string;
  readonly #store: IdempotencyStore;
  readonly #maxAgeMs: number;
  readonly #entries: LRUCache<string, CacheEntry>;
  /** How far the store's clock was ahead of the monotonic clock at the store's last reply. */
  #clockOffsetMs = 0;
  /** Counts the invalidations. A reply to a call that was sent before one is not cached. */
  #invalidations = 0;

  constructor(store: IdempotencyStore, { maxBytes, maxAgeMs, storeName }: CheckedLocalCacheOptions) {
    this.name = storeName ?? store.name;
    this.#store = store;
    this.#maxAgeMs = maxAgeMs;
    this.#entries = new LRUCache({
      maxSize: maxBytes,
      maxEntrySize: Math.floor(maxBytes * maxEntryShare),
      sizeCalculation: entrySizeBytes,
    });
  }

  get wrappedStore() {
    return this.#store;
  }

  get callTimeoutMs() {
    return this.#store.callTimeoutMs;
  }

  async acquire(key: string, request: messages.AcquireRequest): Promise<messages.AcquireReply> {
    const cached = this.#lookUp(key, request.fingerprint);
    if (cached !== null) {
      markCached(cached);
      return cached;
    }
    const [sentAt, invalidationsBefore] = [performance.now(), this.#invalidations];
    const reply = await this.#withClockOffset(this.#store.acquire(key, request));
    if (reply.kind === 'completed') {
      if (invalidationsBefore === this.#invalidations) this.#insert(key, request.fingerprint, reply, sentAt);
    } else if (reply.kind !== 'key_reused') {
      // The record is no longer completed. A refused fingerprint says nothing about that, so its reply drops no entry.
      this.#entries.delete(key);
    }
    return reply;
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

  /** The cached reply, with the times that the store would reply by now. Its bytes are a copy, which the caller may change. */
  #lookUp(key: string, fingerprint: string | null): CompletedReply | null {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.fingerprint !== fingerprint) return null;
    const { reply, expiresAt } = entry;
    const monotonicNow = performance.now();
    const now = Math.floor(monotonicNow + this.#clockOffsetMs);
    const outcomeLeftMs = reply.now + reply.outcomeLeftMs - now;
    if (monotonicNow < expiresAt && outcomeLeftMs > 0) {
      return { ...reply, outcome: Buffer.from(reply.outcome), outcomeLeftMs, now };
    }
    this.#entries.delete(key);
    return null;
  }

  /**
   * The age of an entry counts from when its call was sent. The bytes are copied: those of a Redis client are part of a larger buffer,
   * which would stay in memory with them.
   */
  #insert(key: string, fingerprint: string | null, reply: CompletedReply, sentAt: number): void {
    const expiresAt = sentAt + Math.min(reply.outcomeLeftMs, this.#maxAgeMs);
    this.#entries.set(key, { fingerprint, reply: { ...reply, outcome: new Uint8Array(reply.outcome) }, expiresAt });
  }

  #invalidate(key: string): void {
    this.#invalidations += 1;
    this.#entries.delete(key);
  }

  /** Learns the store's clock from a reply. */
  async #withClockOffset<Reply extends messages.TimestampedReply>(pendingReply: Promise<Reply>): Promise<Reply> {
    const reply = await pendingReply;
    this.#clockOffsetMs = reply.now - performance.now();
    return reply;
  }
}

function entrySizeBytes({ fingerprint, reply }: CacheEntry, key: string): number {
  const texts = [key, fingerprint, reply.note, reply.traceparent];
  const characters = texts.reduce((sum, text) => sum + (text?.length ?? 0), 0);
  return entryOverheadBytes + 2 * characters + reply.outcome.byteLength;
}
