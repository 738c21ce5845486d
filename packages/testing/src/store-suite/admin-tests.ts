// Suite: the operations for people and tools: read, scan, remove and close; and the store's clock.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { StoreError } from '@onceguard/core';
import type { IdempotencyStore } from '@onceguard/core/store';
import { idempotencyProtocol } from '@onceguard/core/store';
import type { StoreSuiteContext } from './suite-context.js';
import {
  acquireLease,
  acquireRequest,
  assertAcquired,
  assertRecordUnchanged,
  completionOf,
  hourMs,
  readRecord,
  resolveRequest,
  withoutNow,
} from './test-helpers.js';

export function adminTests(suite: StoreSuiteContext): void {
  suite.describe('read, scan, remove and close', () => {
    readTests(suite);
    scanTests(suite);
    removeTests(suite);
    closeTests(suite);
  });
}

function readTests({ test }: StoreSuiteContext): void {
  test('a store has a name, and a deadline for its calls', async ({ store }) => {
    assert.ok(store.name.length > 0);
    assert.ok(Number.isInteger(store.callTimeoutMs) && store.callTimeoutMs > 0);
  });

  test('every reply carries now, from one clock', async (context) => {
    const { store, key } = context;
    const start = (await store.read(key)).now;
    const lease = await acquireLease(context);
    const replies = [
      await store.acquire(key, acquireRequest()),
      await store.renew(lease, 1_000),
      await store.checkpoint(lease, { step: 'charge', seq: 1, bytes: Buffer.from('x') }),
      await store.release(lease, { as: 'unknown', retryAfterMs: null, note: null }),
      await store.resolve(key, resolveRequest(lease.fencingToken)),
      await store.complete(lease, completionOf('late')),
      await store.scan({ cursor: null, limit: 10 }),
      await store.remove(key),
      await store.read(key),
    ];
    for (const { now } of replies) assert.ok(Number.isInteger(now) && now >= start && now < start + 600_000);
  });

  test('read returns the record as it is kept, or null', async (context) => {
    const { store, key } = context;
    assert.equal((await store.read(key)).record, null);
    const lease = await acquireLease(context, { onAbandoned: 'block' });
    const { layout, state, ownerToken, fencingToken, attempt, guarded, leaseEndAt, leaseMs, decisions } =
      await readRecord(context);
    assert.deepEqual(
      [layout, state, ownerToken, fencingToken, attempt],
      [idempotencyProtocol.recordLayout, 'in_progress', lease.ownerToken, lease.fencingToken, 1],
    );
    assert.deepEqual([guarded, leaseEndAt, leaseMs, decisions], [true, lease.leaseEndAt, 3_600_000, []]);
  });

  test('read, scan and an acquire that is not granted change nothing', async (context) => {
    await acquireLease(context);
    await assertRecordUnchanged(context, () => context.store.scan({ cursor: null, limit: 10 }));
    await assertRecordUnchanged(context, () => context.store.read(context.key));
    await assertRecordUnchanged(context, () => context.store.acquire(context.key, acquireRequest()));
  });
}

function scanTests({ test }: StoreSuiteContext): void {
  test('scan returns every record, page by page, and ends', async ({ store }) => {
    const keys = Array.from({ length: 25 }, () => randomUUID());
    for (const key of keys) await store.acquire(key, acquireRequest());
    for (const limit of [1, 7, 25, 1_000]) assert.deepEqual(await scanAllKeys(store, limit), [...keys].sort());
  });
}

function removeTests({ test }: StoreSuiteContext): void {
  test('remove makes the key new; its next fencing token is higher', async (context) => {
    const { store, key } = context;
    const lease = await acquireLease(context, { lastSeenFencingToken: (await store.read(key)).now + 1_000_000 });
    await store.checkpoint(lease, { step: 'charge', seq: 1, bytes: Buffer.from('x') });
    await store.complete(lease, completionOf('paid'));
    await store.remove(key);
    const next = assertAcquired(await store.acquire(key, acquireRequest({ fingerprint: 'v1:other' })));
    assert.deepEqual([next.attempt, next.takeover, next.steps.size], [1, false, 0]);
    assert.ok(next.fencingToken > lease.fencingToken);
  });

  test('remove keeps nothing of the record but its fencing token', async (context) => {
    const lease = await acquireLease(context);
    await context.store.complete(lease, completionOf('paid', { note: '201' }));
    const { now } = await context.store.remove(context.key);
    const { state, fencingToken, ownerToken, fingerprint, note, outcome, steps, expiresAt } = await readRecord(context);
    assert.deepEqual([state, fencingToken, expiresAt], ['removed', lease.fencingToken, now + hourMs]);
    assert.deepEqual([ownerToken, fingerprint, note, outcome, steps.size], ['', null, null, null, 0]);
    const late = await context.store.complete(lease, completionOf('late'));
    assert.deepEqual(withoutNow(late), { kind: 'lost', standing: { kind: 'retryable' } });
  });

  test('remove during a lease keeps the fencing token for an hour after the end of the lease', async (context) => {
    const lease = await acquireLease(context, { leaseMs: 3 * hourMs });
    await context.store.remove(context.key);
    assert.equal((await readRecord(context)).expiresAt, lease.leaseEndAt + hourMs);
  });

  test('remove of an absent record writes nothing', async (context) => {
    await assertRecordUnchanged(context, () => context.store.remove(context.key));
  });
}

function closeTests({ test }: StoreSuiteContext): void {
  test('after close every call fails as misconfigured, and close itself may be repeated', async (context) => {
    const { store, key } = context;
    const lease = await acquireLease(context);
    await store.close();
    await store.close();
    const calls = [
      () => store.acquire(key, acquireRequest()),
      () => store.renew(lease, 1_000),
      () => store.complete(lease, completionOf('paid')),
      () => store.release(lease, { as: 'retryable' }),
      () => store.resolve(key, resolveRequest(lease.fencingToken)),
      () => store.read(key),
      () => store.scan({ cursor: null, limit: 1 }),
      () => store.remove(key),
    ];
    for (const call of calls) {
      await assert.rejects(call(), (error) => error instanceof StoreError && error.class === 'misconfigured');
    }
  });
}

async function scanAllKeys(store: IdempotencyStore, limit: number): Promise<string[]> {
  const keys = new Set<string>();
  let cursor: string | null = null;
  do {
    const page = await store.scan({ cursor, limit });
    assert.equal(page.skipped, 0);
    for (const { key, record } of page.records) {
      assert.equal(record.state, 'in_progress');
      keys.add(key);
    }
    cursor = page.cursor;
  } while (cursor !== null);
  return [...keys].sort();
}
