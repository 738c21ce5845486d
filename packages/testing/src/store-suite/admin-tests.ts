// The suite: what people and tools do with a store: read, scan, remove, close; and its clock.
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

export function adminTests({ describe, test }: StoreSuiteContext): void {
  describe('read, scan, remove and close', () => {
    test('a store has a name, and a deadline for its calls', async ({ store }) => {
      assert.ok(store.name.length > 0);
      assert.ok(Number.isInteger(store.callTimeoutMs) && store.callTimeoutMs > 0);
    });

    test('every answer carries now, the same clock for all', async (bench) => {
      const { store, key } = bench;
      const start = (await store.read(key)).now;
      const lease = await acquireLease(bench);
      const answers = [
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
      for (const { now } of answers) assert.ok(Number.isInteger(now) && now >= start && now < start + 600_000);
    });

    test('read answers the record as it is kept, or null', async (bench) => {
      const { store, key } = bench;
      assert.equal((await store.read(key)).record, null);
      const lease = await acquireLease(bench, { onAbandoned: 'block' });
      const { layout, state, ownerToken, fencingToken, attempt, guarded, leaseEndAt, leaseMs, decisions } =
        await readRecord(bench);
      assert.deepEqual(
        [layout, state, ownerToken, fencingToken, attempt],
        [idempotencyProtocol.recordLayout, 'in_progress', lease.ownerToken, lease.fencingToken, 1],
      );
      assert.deepEqual([guarded, leaseEndAt, leaseMs, decisions], [true, lease.leaseEndAt, 3_600_000, []]);
    });

    test('read, scan and a refused acquire change nothing', async (bench) => {
      await acquireLease(bench);
      await assertRecordUnchanged(bench, () => bench.store.scan({ cursor: null, limit: 10 }));
      await assertRecordUnchanged(bench, () => bench.store.read(bench.key));
      await assertRecordUnchanged(bench, () => bench.store.acquire(bench.key, acquireRequest()));
    });

    test('scan goes through every record, page by page, and ends', async ({ store }) => {
      const keys = Array.from({ length: 25 }, () => randomUUID());
      for (const key of keys) await store.acquire(key, acquireRequest());
      for (const limit of [1, 7, 25, 1_000]) assert.deepEqual(await scanAllKeys(store, limit), [...keys].sort());
    });

    test('remove makes the key new, under a higher fencing token', async (bench) => {
      const { store, key } = bench;
      const lease = await acquireLease(bench, { lastSeenFencingToken: (await store.read(key)).now + 1_000_000 });
      await store.checkpoint(lease, { step: 'charge', seq: 1, bytes: Buffer.from('x') });
      await store.complete(lease, completionOf('paid'));
      await store.remove(key);
      const next = assertAcquired(await store.acquire(key, acquireRequest({ fingerprint: 'v1:other' })));
      assert.deepEqual([next.attempt, next.takeover, next.steps.size], [1, false, 0]);
      assert.ok(next.fencingToken > lease.fencingToken);
    });

    test('remove leaves nothing of the record but its fencing token', async (bench) => {
      const lease = await acquireLease(bench);
      await bench.store.complete(lease, completionOf('paid', { note: '201' }));
      const { now } = await bench.store.remove(bench.key);
      const { state, fencingToken, ownerToken, fingerprint, note, outcome, steps, expiresAt } = await readRecord(bench);
      assert.deepEqual([state, fencingToken, expiresAt], ['removed', lease.fencingToken, now + hourMs]);
      assert.deepEqual([ownerToken, fingerprint, note, outcome, steps.size], ['', null, null, null, 0]);
      const late = await bench.store.complete(lease, completionOf('late'));
      assert.deepEqual(withoutNow(late), { kind: 'lost', standing: { kind: 'retryable' } });
    });

    test('remove while a lease is alive keeps the fencing token for an hour after its end', async (bench) => {
      const lease = await acquireLease(bench, { leaseMs: 3 * hourMs });
      await bench.store.remove(bench.key);
      assert.equal((await readRecord(bench)).expiresAt, lease.leaseEndAt + hourMs);
    });

    test('remove of what is not there writes nothing', async (bench) => {
      await assertRecordUnchanged(bench, () => bench.store.remove(bench.key));
    });

    test('after close every call is refused as misconfigured, and close itself may be repeated', async (bench) => {
      const { store, key } = bench;
      const lease = await acquireLease(bench);
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
