// Suite: invalid arguments are rejected before anything is written.
import assert from 'node:assert/strict';
import type { AcquireRequest, Completion, Lease, ResolveRequest } from '@onceguard/core/store';
import type { StoreSuiteContext, StoreTestContext } from './suite-context.js';
import {
  acquireLease,
  acquireRequest,
  assertRecordUnchanged,
  assertRefusedAsBug,
  completionOf,
  dayMs,
  resolveRequest,
} from './test-helpers.js';

const badKeys = ['', 'a'.repeat(129), 'with space', 'ключ', 'a:b', '{tag}', 'a\nb'];
const badTimes = [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53];

const badRequests: readonly Partial<AcquireRequest>[] = [
  ...badTimes.flatMap((time) => [
    { leaseMs: time },
    { recordTtlMs: time },
    { notAfter: time },
    { lastSeenFencingToken: time },
  ]),
  ...badTimes.flatMap((time) => [{ outcomeTtlMs: time }, { unknownTtlMs: time }]),
  ...[{ leaseMs: 0 }, { recordTtlMs: 0 }, { unknownTtlMs: 0 }, { outcomeTtlMs: 0 }, { outcomeTtlMs: 2 * dayMs }],
  ...[{ lastSeenFencingToken: 1e15 - 1 }, { notAfter: 1e15 }, { leaseMs: 1e15 }],
  ...[{ ownerToken: '' }, { ownerToken: 'a b' }, { ownerToken: 'a'.repeat(65) }],
  ...[{ fingerprint: '' }, { fingerprint: 'no version' }, { fingerprint: `v1:${'a'.repeat(129)}` }],
];
const badCompletions: readonly Partial<Completion>[] = [
  ...badTimes.flatMap((time) => [{ outcomeTtlMs: time }, { notAfter: time }]),
  ...[{ outcomeTtlMs: 0 }, { outcomeTtlMs: 1e12 }, { note: '' }, { note: 'a'.repeat(1025) }],
];
const badDecisions: readonly Partial<ResolveRequest>[] = [
  ...badTimes.flatMap((time) => [{ expectedFencingToken: time }, { outcomeTtlMs: time }, { recordTtlMs: time }]),
  ...[{ recordTtlMs: 0 }, { outcomeTtlMs: 0 }, { recordTtlMs: 1, outcomeTtlMs: 2 }, { expectedFencingToken: 1e15 }],
  ...[{ by: '' }, { reason: '' }, { note: '' }, { by: 'a'.repeat(1025) }],
];

export function argumentCheckTests(suite: StoreSuiteContext): void {
  suite.describe('invalid arguments', () => {
    keyAndLeaseTests(suite);
    requestTests(suite);
  });
}

function keyAndLeaseTests({ test }: StoreSuiteContext): void {
  test('are rejected as a bug by every operation that takes a key', async (context) => {
    const lease = await acquireLease(context);
    for (const key of badKeys) {
      await assertRefusedAsBug(context.store.acquire(key, acquireRequest()));
      await assertRefusedAsBug(context.store.resolve(key, resolveRequest(lease.fencingToken)));
      await assertRefusedAsBug(context.store.read(key));
      await assertRefusedAsBug(context.store.remove(key));
      for (const send of ownerCalls({ ...lease, key })) await assertRefusedAsBug(send(context));
    }
  });

  test('of acquire are rejected as a bug and write nothing', async (context) => {
    for (const bad of badRequests) {
      await assertRecordUnchanged(context, () =>
        assertRefusedAsBug(context.store.acquire(context.key, acquireRequest(bad))),
      );
    }
  });

  test('of a lease are rejected as a bug and write nothing', async (context) => {
    const lease = await acquireLease(context);
    const badHolders: Partial<Lease>[] = [
      { ownerToken: '' },
      { fencingToken: -1 },
      { fencingToken: 0.5 },
      { recordTtlMs: 0 },
    ];
    const badLeases: Partial<Lease>[] = [
      ...badHolders,
      { attempt: 0 },
      { leaseEndAt: -1 },
      { fingerprint: '' },
      { fingerprintBound: 1 as never },
    ];
    for (const facts of badHolders) {
      const send = () => context.store.release({ ...lease, ...facts }, { as: 'retryable' });
      await assertRecordUnchanged(context, () => assertRefusedAsBug(send()));
    }
    for (const send of badLeases.flatMap((facts) => leaseCalls({ ...lease, ...facts }))) {
      await assertRecordUnchanged(context, () => assertRefusedAsBug(send(context)));
    }
  });
}

function requestTests({ test }: StoreSuiteContext): void {
  test('of renew, checkpoint and release are rejected as a bug and write nothing', async (context) => {
    const lease = await acquireLease(context);
    const { store } = context;
    const sends = [
      ...[...badTimes, 0].map((leaseMs) => () => store.renew(lease, leaseMs)),
      ...badTimes.map((seq) => () => store.checkpoint(lease, { step: 'charge', seq, bytes: Buffer.from('x') })),
      ...['', 'with space', 'a'.repeat(129)].map((step) => () => {
        return store.checkpoint(lease, { step, seq: 1, bytes: Buffer.from('x') });
      }),
      ...badTimes.map((retryAfterMs) => () => store.release(lease, { as: 'unknown', retryAfterMs, note: null })),
      () => store.release(lease, { as: 'unknown', retryAfterMs: null, note: '' }),
      () => store.release({ ...lease, fencingToken: null }, { as: 'retryable' }),
      () => store.release(lease, { as: 'retryable', unbindFingerprint: 1 as never }),
    ];
    for (const send of sends) await assertRecordUnchanged(context, () => assertRefusedAsBug(send()));
  });

  test('of complete and resolve are rejected as a bug and write nothing', async (context) => {
    const lease = await acquireLease(context);
    for (const bad of badCompletions) {
      await assertRecordUnchanged(context, () =>
        assertRefusedAsBug(context.store.complete(lease, completionOf('x', bad))),
      );
    }
    await context.store.release(lease, { as: 'unknown', retryAfterMs: null, note: null });
    for (const bad of badDecisions) {
      const send = () => context.store.resolve(context.key, resolveRequest(lease.fencingToken, bad));
      await assertRecordUnchanged(context, () => assertRefusedAsBug(send()));
    }
  });

  test('do not include the longest and the shortest valid ones', async ({ store }) => {
    for (const key of ['a', 'A-Z_09', 'k'.repeat(128)]) {
      const request = acquireRequest({
        ownerToken: 't'.repeat(64),
        fingerprint: `v1:${'~'.repeat(128)}`,
        leaseMs: 1,
      });
      assert.equal((await store.acquire(key, request)).kind, 'acquired');
      await store.remove(key);
    }
  });
}

function ownerCalls(lease: Lease): ((context: StoreTestContext) => Promise<unknown>)[] {
  return [...leaseCalls(lease), ({ store }) => store.release(lease, { as: 'retryable' })];
}

function leaseCalls(lease: Lease): ((context: StoreTestContext) => Promise<unknown>)[] {
  return [
    ({ store }) => store.renew(lease, 1_000),
    ({ store }) => store.checkpoint(lease, { step: 'charge', seq: 1, bytes: Buffer.from('x') }),
    ({ store }) => store.complete(lease, completionOf('x')),
  ];
}
