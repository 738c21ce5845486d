// Replies that get lost after PostgreSQL has committed: the repeat of a call recognises its own work.
import { makeIdempotent } from '@onceguard/core';
import type { CompareAndSwapStore, IdempotencyStore } from '@onceguard/core/store';
import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Random } from '../../model/seeded-random.js';
import { acquireRequest, completionOf, leaseOf } from '../../postgres/calls.js';
import { openTableTestbed, type TableTestbed } from './postgres-table-testbed.js';

const seed = Number(process.env.LOSS_SEED ?? Math.floor(Math.random() * 1e9));
let testbed: TableTestbed;
/** Whether the reply to the statement that runs now gets lost. */
let losesReply: (statement: string) => boolean;
let store: CompareAndSwapStore;

beforeAll(async () => {
  testbed = await openTableTestbed();
  store = testbed.store(losingReplies(testbed.pool()));
});

beforeEach(async () => {
  losesReply = () => false;
  await testbed.deleteRecords();
});

afterAll(async () => await testbed.close());

/** The pool: a statement is committed, and then its connection is gone. */
function losingReplies(pool: Pool): Pool {
  const query = async (text: string, values: unknown[]) => {
    const result = await pool.query(text, values);
    if (losesReply(text)) throw Object.assign(new Error('Connection terminated unexpectedly'), { code: 'ECONNRESET' });
    return result;
  };
  return new Proxy(pool, { get: (target, name) => (name === 'query' ? query : Reflect.get(target, name)) });
}

/** The next statement that writes loses its reply. */
function loseNextWrite(): void {
  let isOver = false;
  losesReply = (statement) => {
    if (isOver || statement.trim().startsWith('SELECT')) return false;
    isOver = true;
    return true;
  };
}

async function acquireLease() {
  const request = acquireRequest();
  return leaseOf('k', request, await store.acquire('k', request));
}

type Verb = (on: IdempotencyStore) => Promise<{ readonly now: number }>;

const verbs: [name: string, prepare: () => Promise<Verb>, reply: object, record: object][] = [
  [
    'acquire',
    async () => (on) => on.acquire('k', acquireRequest()),
    { kind: 'acquired', attempt: 1 },
    { state: 'in_progress', attempt: 1 },
  ],
  ['renew', withLease((lease) => (on) => on.renew(lease, 90_000)), { kind: 'ok' }, { leaseMs: 90_000 }],
  [
    'checkpoint',
    withLease((lease) => (on) => on.checkpoint(lease, { step: 'charge', seq: 2, bytes: Buffer.from('x') })),
    { kind: 'ok' },
    { steps: new Map([['charge', { seq: 2, bytes: new Uint8Array([120]) }]]) },
  ],
  [
    'complete',
    withLease((lease) => (on) => on.complete(lease, completionOf('paid'))),
    { kind: 'ok' },
    { state: 'completed' },
  ],
  [
    'release',
    withLease((lease) => (on) => on.release(lease, { as: 'retryable' })),
    { kind: 'ok' },
    { state: 'retryable' },
  ],
  [
    'resolve',
    async () => {
      const lease = await acquireLease();
      await store.release(lease, { as: 'unknown', retryAfterMs: null, note: null });
      const decision = {
        expectedFencingToken: lease.fencingToken,
        as: 'not_done',
        by: 'Ben',
        reason: 'asked',
      } as const;
      const unchanged = { outcome: null, outcomeTtlMs: null, recordTtlMs: null, note: null };
      return (on) => on.resolve('k', { ...decision, ...unchanged });
    },
    { kind: 'ok' },
    { state: 'retryable', decisions: [{ by: 'Ben' }] },
  ],
  ['remove', withLease(() => (on) => on.remove('k')), {}, { state: 'removed' }],
];

function withLease(verb: (lease: Awaited<ReturnType<typeof acquireLease>>) => Verb) {
  return async () => verb(await acquireLease());
}

test.each(verbs)(
  '%s whose reply is lost is unknown, and its repeat recognises what it did',
  async (_name, prepare, reply, record) => {
    const verb = await prepare();
    loseNextWrite();
    await expect(verb(store)).rejects.toMatchObject({ class: 'unknown', message: expect.stringMatching(/ECONNRESET/) });
    losesReply = () => false;
    expect((await store.read('k')).record).toMatchObject(record);
    expect(await verb(store)).toMatchObject(reply);
    expect((await store.read('k')).record).toMatchObject(record);
  },
);

test('Of 200 keys each runs once, although one reply in five is lost', async () => {
  const random = new Random(seed);
  let lost = 0;
  losesReply = () => {
    const isLost = random.chance(0.2);
    lost += isLost ? 1 : 0;
    return isLost;
  };
  const runs = new Map<string, number>();
  const pay = makeIdempotent(
    async (order: string) => {
      runs.set(order, (runs.get(order) ?? 0) + 1);
      return { order };
    },
    { store, scope: 'shop', key: (order) => order },
  );
  // Lanes, so that a call never waits long for a connection.
  const lanes = Array.from({ length: 20 }, async (_, lane) => {
    for (let n = lane; n < 200; n += 20) {
      for (const _repeat of [1, 2]) expect(await pay(`order-${n}`)).toEqual({ order: `order-${n}` });
    }
  });
  await Promise.all(lanes);
  expect(lost).toBeGreaterThan(100);
  expect(runs.size).toBe(200);
  expect(new Set(runs.values()), `seed ${seed}`).toEqual(new Set([1]));
}, 120_000);
