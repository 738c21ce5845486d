// The suite: what makes no sense is refused before anything is written.
import assert from 'node:assert/strict';
import type { AcquireRequest, Completion, Lease, Resolve } from '@onceguard/core/store';
import type { Bench, Contract } from './contract.js';
import { changesNothing, completionOf, dayMs, decision, own, refusedAsBug, request } from './requests.js';

const badKeys = ['', 'a'.repeat(129), 'with space', 'ключ', 'a:b', '{tag}', 'a\nb'];
const badTimes = [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53];

const badRequests: readonly Partial<AcquireRequest>[] = [
  ...badTimes.flatMap((time) => [{ leaseMs: time }, { recordTtlMs: time }, { notAfter: time }, { fenceSeen: time }]),
  ...badTimes.flatMap((time) => [{ outcomeTtlMs: time }, { unknownTtlMs: time }]),
  ...[{ leaseMs: 0 }, { recordTtlMs: 0 }, { unknownTtlMs: 0 }, { outcomeTtlMs: 0 }, { outcomeTtlMs: 2 * dayMs }],
  ...[{ fenceSeen: 1e15 - 1 }, { notAfter: 1e15 }, { leaseMs: 1e15 }],
  ...[{ token: '' }, { token: 'a b' }, { token: 'a'.repeat(65) }],
  ...[{ fingerprint: '' }, { fingerprint: 'no version' }, { fingerprint: `v1:${'a'.repeat(129)}` }],
];
const badCompletions: readonly Partial<Completion>[] = [
  ...badTimes.flatMap((time) => [{ outcomeTtlMs: time }, { notAfter: time }]),
  ...[{ outcomeTtlMs: 0 }, { outcomeTtlMs: 1e12 }, { note: '' }, { note: 'a'.repeat(1025) }],
];
const badDecisions: readonly Partial<Resolve>[] = [
  ...badTimes.flatMap((time) => [{ expectFence: time }, { outcomeTtlMs: time }, { recordTtlMs: time }]),
  ...[{ recordTtlMs: 0 }, { outcomeTtlMs: 0 }, { recordTtlMs: 1, outcomeTtlMs: 2 }, { expectFence: 1e15 }],
  ...[{ by: '' }, { reason: '' }, { note: '' }, { by: 'a'.repeat(1025) }],
];

export function argumentChecks({ describe, test }: Contract): void {
  describe('arguments that make no sense', () => {
    test('are refused as a bug by every verb that takes a key', async (bench) => {
      const lease = await own(bench);
      for (const key of badKeys) {
        await refusedAsBug(bench.store.acquire(key, request()));
        await refusedAsBug(bench.store.resolve(key, decision(lease.fence)));
        await refusedAsBug(bench.store.read(key));
        await refusedAsBug(bench.store.remove(key));
        for (const send of messagesOf({ ...lease, key })) await refusedAsBug(send(bench));
      }
    });

    test('of acquire are refused as a bug and write nothing', async (bench) => {
      for (const bad of badRequests) {
        await changesNothing(bench, () => refusedAsBug(bench.store.acquire(bench.key, request(bad))));
      }
    });

    test('of a lease are refused as a bug and write nothing', async (bench) => {
      const lease = await own(bench);
      const badHolders: Partial<Lease>[] = [{ token: '' }, { fence: -1 }, { fence: 0.5 }, { recordTtlMs: 0 }];
      const badLeases: Partial<Lease>[] = [
        ...badHolders,
        { attempt: 0 },
        { leaseEndAt: -1 },
        { fingerprint: '' },
        { bound: 1 as never },
      ];
      for (const facts of badHolders) {
        const send = () => bench.store.release({ ...lease, ...facts }, { as: 'retryable' });
        await changesNothing(bench, () => refusedAsBug(send()));
      }
      for (const send of badLeases.flatMap((facts) => ownersOnly({ ...lease, ...facts }))) {
        await changesNothing(bench, () => refusedAsBug(send(bench)));
      }
    });

    test('of renew, checkpoint and release are refused as a bug and write nothing', async (bench) => {
      const lease = await own(bench);
      const { store } = bench;
      const sends = [
        ...[...badTimes, 0].map((leaseMs) => () => store.renew(lease, leaseMs)),
        ...badTimes.map((seq) => () => store.checkpoint(lease, { step: 'charge', seq, bytes: Buffer.from('x') })),
        ...['', 'with space', 'a'.repeat(129)].map((step) => () => {
          return store.checkpoint(lease, { step, seq: 1, bytes: Buffer.from('x') });
        }),
        ...badTimes.map((retryAfterMs) => () => store.release(lease, { as: 'unknown', retryAfterMs, note: null })),
        () => store.release(lease, { as: 'unknown', retryAfterMs: null, note: '' }),
        () => store.release({ ...lease, fence: null }, { as: 'retryable' }),
        () => store.release(lease, { as: 'retryable', unbind: 1 as never }),
      ];
      for (const send of sends) await changesNothing(bench, () => refusedAsBug(send()));
    });

    test('of complete and resolve are refused as a bug and write nothing', async (bench) => {
      const lease = await own(bench);
      for (const bad of badCompletions) {
        await changesNothing(bench, () => refusedAsBug(bench.store.complete(lease, completionOf('x', bad))));
      }
      await bench.store.release(lease, { as: 'unknown', retryAfterMs: null, note: null });
      for (const bad of badDecisions) {
        const send = () => bench.store.resolve(bench.key, decision(lease.fence, bad));
        await changesNothing(bench, () => refusedAsBug(send()));
      }
    });

    test('at the edge of sense are taken', async ({ store }) => {
      for (const key of ['a', 'A-Z_09', 'k'.repeat(128)]) {
        const asked = request({ token: 't'.repeat(64), fingerprint: `v1:${'~'.repeat(128)}`, leaseMs: 1 });
        assert.equal((await store.acquire(key, asked)).kind, 'acquired');
        await store.remove(key);
      }
    });
  });
}

function messagesOf(lease: Lease): ((bench: Bench) => Promise<unknown>)[] {
  return [...ownersOnly(lease), ({ store }) => store.release(lease, { as: 'retryable' })];
}

function ownersOnly(lease: Lease): ((bench: Bench) => Promise<unknown>)[] {
  return [
    ({ store }) => store.renew(lease, 1_000),
    ({ store }) => store.checkpoint(lease, { step: 'charge', seq: 1, bytes: Buffer.from('x') }),
    ({ store }) => store.complete(lease, completionOf('x')),
  ];
}
