// Suite: the list of records that are in doubt.
import assert from 'node:assert/strict';
import { setImmediate as nextIteration } from 'node:timers/promises';
import type { IdempotencyStore } from '@onceguard/core/store';
import type { StoreSuiteContext, StoreTestContext } from './suite-context.js';
import {
  acquireAbandonedLease,
  acquireLease,
  acquireRequest,
  briefMs,
  completionOf,
  leaseOnLostRecord,
  readRecord,
  resolveRequest,
} from './test-helpers.js';

const guarded = { onAbandoned: 'block' } as const;
const unknown = { as: 'unknown', retryAfterMs: null, note: null } as const;
const intent = { step: 'charge', seq: 1, bytes: Buffer.from('x') };
const done = { ...intent, seq: 2 };

export function doubtListTests({ describe, test, capabilities }: StoreSuiteContext): void {
  describe('a scan of the records in doubt', () => {
    contentTests(test);
    changeTests(test);
    concurrentTests(test, capabilities.shared);
  });
}

type Test = StoreSuiteContext['test'];

function contentTests(test: Test): void {
  test('returns what somebody has to decide, and nothing else', async (context) => {
    const under = (name: string) => ({ ...context, key: `${context.key}-${name}` });
    await context.store.release(await acquireLease(under('unknown')), { ...unknown, retryAfterMs: 60_000 });
    await context.store.release(await acquireLease(under('guarded-unknown'), guarded), unknown);
    await context.store.complete(await acquireLease(under('completed'), guarded), completionOf('paid'));
    await context.store.release(await acquireLease(under('retryable'), guarded), { as: 'retryable' });
    await acquireLease(under('running'), guarded);
    const atStep = await acquireLease(under('at-a-step'), { leaseMs: briefMs });
    await context.store.checkpoint(atStep, intent);
    const afterStep = await acquireLease(under('after-a-step'), { leaseMs: briefMs });
    await context.store.checkpoint(afterStep, intent);
    await context.store.checkpoint(afterStep, done);
    await acquireAbandonedLease(under('abandoned'));
    await acquireAbandonedLease(under('guarded-abandoned'), guarded);
    assert.deepEqual(
      await namesInDoubt(context),
      ['at-a-step', 'guarded-abandoned', 'guarded-unknown', 'unknown'].map((name) => under(name).key),
    );
  });

  test('returns every one, page by page, and ends', async (context) => {
    const keys = Array.from({ length: 25 }, (_, index) => `${context.key.slice(index)}-${index}`);
    for (const key of keys) {
      await context.store.release(await acquireLease({ ...context, key }, guarded), unknown);
      await acquireLease({ ...context, key: `${key}-running` }, guarded);
    }
    for (const limit of [1, 7, 25, 1_000])
      assert.deepEqual(await namesInDoubt(context, limit), [...keys].sort(), `${limit}`);
  });

  test('returns records as they are kept, and changes none', async (context) => {
    await context.store.checkpoint(await acquireLease(context, { ...guarded, leaseMs: briefMs }), intent);
    const { leaseEndAt } = await readRecord(context);
    await context.waitForStoreTime(leaseEndAt);
    const { records, skipped, cursor } = await context.store.scan({ cursor: null, limit: 10, inDoubt: true });
    assert.deepEqual([records, skipped, cursor], [[{ key: context.key, record: await readRecord(context) }], 0, null]);
  });
}

function changeTests(test: Test): void {
  const ends: [what: string, end: (context: StoreTestContext) => Promise<unknown>][] = [
    [
      'its owner completes',
      async ({ store, key }) => await store.complete(await ownLease({ store, key }), completionOf('paid')),
    ],
    [
      'it is decided as done',
      async ({ store, key }) => await store.resolve(key, { ...(await decisionOn({ store, key })), as: 'done' }),
    ],
    ['it is decided as not done', async ({ store, key }) => await store.resolve(key, await decisionOn({ store, key }))],
    ['it is removed', async ({ store, key }) => await store.remove(key)],
    ['somebody recovers it', async (context) => await acquireLease(context, { onAbandoned: 'recover' })],
  ];
  for (const [what, end] of ends) {
    test(`no longer returns a record once ${what}`, async (context) => {
      await acquireAbandonedLease(context, guarded);
      assert.deepEqual(await namesInDoubt(context), [context.key]);
      await end(context);
      assert.deepEqual(await namesInDoubt(context), []);
    });
  }

  test('returns a record whose recovery was abandoned, or whose next attempt was', async (context) => {
    await acquireAbandonedLease(context, guarded);
    await acquireAbandonedLease(context, { onAbandoned: 'recover' });
    assert.deepEqual(await namesInDoubt(context), [context.key]);
    await context.store.resolve(context.key, await decisionOn(context));
    await acquireAbandonedLease(context, guarded);
    assert.deepEqual(await namesInDoubt(context), [context.key]);
  });

  test('returns work that runs again after a step in doubt, once that is abandoned too', async (context) => {
    const first = await acquireLease(context, { leaseMs: briefMs });
    await context.store.checkpoint(first, intent);
    await context.waitForStoreTime(first.leaseEndAt);
    const leaseEndAt = await listUnderLease(
      context,
      async (leaseMs) => (await acquireLease(context, { leaseMs })).leaseEndAt,
    );
    await context.waitForStoreTime(leaseEndAt);
    assert.deepEqual(await namesInDoubt(context), [context.key]);
  });

  test('returns a record after the end of a lease that was renewed, and not before', async (context) => {
    const lease = await acquireLease(context, { ...guarded, leaseMs: briefMs });
    const leaseEndAt = await listUnderLease(context, async (leaseMs) => {
      const renewal = await context.store.renew(lease, leaseMs);
      assert.ok(renewal.kind === 'ok');
      await context.waitForStoreTime(lease.leaseEndAt);
      return renewal.leaseEndAt;
    });
    await context.waitForStoreTime(leaseEndAt);
    assert.deepEqual(await namesInDoubt(context), [context.key]);
  });

  test('returns a guarded record that was lost and restored', async (context) => {
    const lease = await leaseOnLostRecord(context, { guarded: true });
    assert.equal((await context.store.renew(lease, briefMs)).kind, 'restored');
    await context.waitForStoreTime((await readRecord(context)).leaseEndAt);
    assert.deepEqual(await namesInDoubt(context), [context.key]);
  });
}

function concurrentTests(test: Test, isShared: boolean): void {
  const stores = ({ store, peer }: StoreTestContext) => (isShared ? [store, peer] : [store]);
  test('loses no record while others list, acquire and decide', async (context) => {
    const keys = Array.from({ length: 20 }, (_, index) => `${context.key}-${index}`);
    let isOver = false;
    const listing = stores(context).map(async (store) => {
      while (!isOver) {
        await namesInDoubt({ store });
        // Some stores reply without the event loop, and others need it.
        await nextIteration();
      }
    });
    const acquireAndDecide = async (round: number, key: string): Promise<void> => {
      await context.store.release(await acquireLease({ ...context, key }, guarded), unknown);
      if (round < 14) await context.peer.resolve(key, await decisionOn({ ...context, key }));
    };
    try {
      for (let round = 0; round < 15; round += 1) await Promise.all(keys.map((key) => acquireAndDecide(round, key)));
    } finally {
      isOver = true;
    }
    await Promise.all(listing);
    assert.deepEqual(await namesInDoubt(context), [...keys].sort());
  });
}

async function namesInDoubt({ store }: Pick<StoreTestContext, 'store'>, limit = 100): Promise<string[]> {
  const names = new Set<string>();
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<IdempotencyStore['scan']>> = await store.scan({ cursor, limit, inDoubt: true });
    for (const { key } of page.records) names.add(key);
    cursor = page.cursor;
  } while (cursor !== null);
  return [...names].sort();
}

/**
 * Asserts that nothing is in doubt under the lease that `take` takes, and returns its end. On a busy machine the list may come after that
 * end, and says nothing then: the next lease is longer.
 */
async function listUnderLease(context: StoreTestContext, take: (leaseMs: number) => Promise<number>): Promise<number> {
  for (let leaseMs = 10 * briefMs; ; leaseMs *= 4) {
    const leaseEndAt = await take(leaseMs);
    const listed = await namesInDoubt(context);
    if ((await context.store.read(context.key)).now >= leaseEndAt) continue;
    assert.deepEqual(listed, []);
    return leaseEndAt;
  }
}

async function decisionOn(context: Pick<StoreTestContext, 'store' | 'key'>) {
  return resolveRequest((await readRecord(context)).fencingToken);
}

/** The lease that the record is held under, as its owner knows it. */
async function ownLease({ store, key }: Pick<StoreTestContext, 'store' | 'key'>) {
  return { ...acquireRequest(), ...(await readRecord({ store, key })), key };
}
