// A duplicate in another process: the store notifies it as soon as the attempt has ended. Without a notification it polls as before.
import { randomUUID } from 'node:crypto';
import { executeIdempotently, type IdempotencyStore, localCache, MemoryStore } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { FaultStore } from '@onceguard/testing';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { digest } from '../../packages/core/src/digest.js';
import { listeningStore } from '../store/completion-listeners.js';
import { redisUrl } from '../support/redis.js';
import { summarize } from './execution-summary.js';
import { acquireLease, completionFor } from './rival-owner.js';

const unreachableOperation = () => expect.unreachable('A duplicate ran.');

const nameOf = (key: string) => digest(['onceguard function 1', 'tests', key]);

const callAndWait = (store: IdempotencyStore, operation: () => unknown = unreachableOperation, key = '1') =>
  summarize(executeIdempotently(operation, { store, scope: 'tests', key, onInProgress: { waitMs: 600_000 } }));

/** From here on a pause ends only when the test advances the time. */
const stopTimers = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });

const nextLoopTurn = async () => await new Promise<void>((resolve) => setImmediate(resolve));

afterEach(() => void vi.useRealTimers());

describe('On Redis a duplicate in another process', () => {
  let redis: Redis;
  let elsewhere: RedisStore;
  let connected: RedisStore;
  let store: FaultStore;

  beforeEach(async () => {
    const prefix = `elsewhere:${randomUUID()}:`;
    redis = new Redis(redisUrl());
    elsewhere = new RedisStore({ client: redis, prefix });
    connected = await RedisStore.connect({ url: redisUrl(), prefix });
    await listeningStore(connected, redis, prefix);
    store = new FaultStore(connected);
  });

  afterEach(async () => {
    vi.useRealTimers();
    await connected.close();
    redis.disconnect();
  });

  /** Resolves when the wait has begun. Only a notification wakes it then. */
  async function untilWaiting(looks = 1): Promise<void> {
    await store.waitForCalls('acquire', looks);
    for (let turns = 0; turns < 5; turns += 1) {
      await store.inner.read('any');
      await nextLoopTurn();
    }
  }

  it.each<[string, (its: FaultStore) => IdempotencyStore]>([
    ['without', (its) => its],
    ['behind', localCache],
  ])('is told, %s a local cache, without another pause, and looks once more', async (_, seenFrom) => {
    const lease = await acquireLease(elsewhere, nameOf('1'));
    stopTimers();
    const second = callAndWait(seenFrom(store));
    await untilWaiting();
    await elsewhere.complete(lease, completionFor(lease));
    expect(await second).toBe('of the second, replayed');
    expect(store.callsOf('acquire')).toHaveLength(2);
  });

  it('runs without another pause when the attempt is given up', async () => {
    const lease = await acquireLease(elsewhere, nameOf('1'));
    stopTimers();
    const second = callAndWait(store, () => 'paid by the second');
    await untilWaiting();
    await elsewhere.release(lease, { as: 'retryable' });
    expect(await second).toBe('paid by the second, recorded');
    expect(store.callsOf('acquire')).toHaveLength(2);
  });
});

/** A memory store that notifies of an attempt's end when the test says so. */
class NotifyingStore extends FaultStore {
  readonly listeners: ((key: string) => void)[] = [];

  override onAttemptEnded(listener: (key: string) => void): void {
    this.listeners.push(listener);
  }

  notifyEnded(key: string): void {
    for (const listener of this.listeners) listener(nameOf(key));
  }
}

describe('A store that can tell of ends', () => {
  let store: NotifyingStore;

  beforeEach(() => {
    store = new NotifyingStore(new MemoryStore(), 5_000);
  });

  /** Starts a duplicate that waits for an attempt, which another process completes. */
  async function waitFor(key: string, { notifies }: { notifies: boolean }, meanwhile = async () => {}): Promise<void> {
    const lease = await acquireLease(store.inner, nameOf(key));
    const end = callAndWait(store, unreachableOperation, key);
    await vi.advanceTimersByTimeAsync(0);
    await meanwhile();
    await store.inner.complete(lease, completionFor(lease));
    if (notifies) store.notifyEnded(key);
    else await vi.advanceTimersByTimeAsync(1_000);
    expect(await end).toBe('of the second, replayed');
  }

  const looksIn = async (ms: number) => {
    const before = store.callsOf('acquire').length;
    await vi.advanceTimersByTimeAsync(ms);
    return store.callsOf('acquire').length - before;
  };

  it('is asked to when somebody first waits, once', async () => {
    expect(
      await summarize(
        executeIdempotently(() => 'done', { store, scope: 'tests', key: 'free', onInProgress: { waitMs: 1 } }),
      ),
    ).toBe('done, recorded');
    expect(store.listeners).toHaveLength(0);
    stopTimers();
    await waitFor('1', { notifies: true });
    await waitFor('2', { notifies: true });
    expect(store.listeners).toHaveLength(1);
  });

  it('learns from acquire calls that a caller waits, and only from callers that will wait', async () => {
    const lease = await acquireLease(store.inner, nameOf('1'));
    await summarize(executeIdempotently(unreachableOperation, { store, scope: 'tests', key: '1' }));
    stopTimers();
    const second = callAndWait(store);
    await vi.advanceTimersByTimeAsync(0);
    await store.inner.complete(lease, completionFor(lease));
    store.notifyEnded('1');
    await second;
    const asked = store
      .callsOf('acquire')
      .map(({ args: [request] }) => (request as { notifyOnEnd?: boolean }).notifyOnEnd);
    expect(asked).toEqual([false, true, true]);
  });

  it('is polled rarely once it has notified: soon after the wait began, then at most once a second', async () => {
    stopTimers();
    await waitFor('1', { notifies: true });
    for (const key of ['2', '3']) {
      await waitFor(key, { notifies: true }, async () => {
        expect(await looksIn(20)).toBe(1);
        expect(await looksIn(490)).toBe(0);
        expect(await looksIn(10_000)).toBeLessThanOrEqual(21);
      });
    }
  });

  it('is asked as often as any other before it has told of anything, and after it has missed an end', async () => {
    stopTimers();
    const often = async () => expect(await looksIn(1_000)).toBeGreaterThanOrEqual(7);
    await waitFor('1', { notifies: true }, often);
    await waitFor('2', { notifies: false }, async () => expect(await looksIn(1_000)).toBeLessThanOrEqual(3));
    await waitFor('3', { notifies: true }, often);
    await waitFor('4', { notifies: true }, async () => expect(await looksIn(1_000)).toBeLessThanOrEqual(3));
  });

  it('that notifies without cause makes only the waiters of that record poll', async () => {
    const lease = await acquireLease(store.inner, nameOf('1'));
    stopTimers();
    const second = callAndWait(store);
    await vi.advanceTimersByTimeAsync(0);
    store.notifyEnded('another');
    await nextLoopTurn();
    expect(store.callsOf('acquire')).toHaveLength(1);
    store.notifyEnded('1');
    await store.waitForCalls('acquire', 2);
    await store.inner.complete(lease, completionFor(lease));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await second).toBe('of the second, replayed');
  });
});
