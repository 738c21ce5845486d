import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { newGate } from '../../packages/testing/src/adapter-suite/support/gate.js';
import { failsBefore } from '../../packages/testing/src/index.js';
import {
  acquireLease,
  acquireRequest,
  assertAcquired,
  completionOf,
  replayedOutcome,
  resolveRequest,
} from '../../packages/testing/src/store-suite/test-helpers.js';
import { openCache, openReplayedOnce } from './cache-testbed.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

describe('What is kept is dropped at once', () => {
  test('when its record is removed through it', async () => {
    const made = await openReplayedOnce();
    await made.store.remove(made.key);
    assertAcquired(await made.store.acquire(made.key, acquireRequest()));
  });

  test('when the removal was perhaps executed', async () => {
    const made = await openReplayedOnce();
    made.asked.injectFault('remove', failsBefore('unknown'));
    await expect(made.store.remove(made.key)).rejects.toMatchObject({ class: 'unknown' });
    expect(await made.again()).toBe(1);
  });

  test('and an answer that was on its way while the record was removed is not kept', async () => {
    const made = openCache();
    await made.store.complete(await acquireLease(made), completionOf('paid'));
    const [told, gate] = [newGate(), newGate()];
    made.asked.injectFault('acquire', async (pass) => {
      const answer = await pass();
      told.open();
      await gate.opened;
      return answer;
    });
    const late = made.store.acquire(made.key, acquireRequest());
    await told.opened;
    await made.store.remove(made.key);
    gate.open();
    expect(await late).toMatchObject({ kind: 'completed' });
    assertAcquired(await made.store.acquire(made.key, acquireRequest()));
  });

  test('when somebody decides through it about what stands there by now', async () => {
    const made = await openReplayedOnce();
    await made.asked.inner.remove(made.key);
    const elsewhere = await acquireLease({ store: made.asked.inner, key: made.key });
    await made.asked.inner.release(elsewhere, { as: 'unknown', retryAfterMs: null, note: null });
    const decided = resolveRequest(elsewhere.fencingToken, { as: 'done', outcome: Buffer.from('decided') });
    expect(await made.store.resolve(made.key, decided)).toMatchObject({ kind: 'ok' });
    expect(await replayedOutcome(made)).toBe('decided');
  });

  test('when the store grants the work to a caller that it asked for', async () => {
    const made = await openReplayedOnce();
    await made.asked.inner.remove(made.key);
    assertAcquired(await made.store.acquire(made.key, acquireRequest({ fingerprint: 'v1:other' })));
    expect(await made.store.acquire(made.key, acquireRequest())).toMatchObject({ kind: 'key_reused' });
  });

  test('when it is closed: calls after that are refused', async () => {
    const made = await openReplayedOnce();
    const closing = made.store.close();
    await expect(made.store.acquire(made.key, acquireRequest())).rejects.toThrow('closed');
    await closing;
  });
});
