// Complete and release: how an attempt ends.
import { describe, expect, test } from 'vitest';
import { complete, type ReleaseRequest, release, type StoredRecord } from '../../packages/core/src/protocol/index.js';
import {
  abandoned,
  at,
  bytes,
  completed,
  completion,
  expired,
  fencingToken,
  guarded,
  lease,
  newerLease,
  records,
  removed,
  retention,
  retryable,
  running,
  tombstone,
  unknown,
} from './builders.js';

/** Only a record in progress has a lease. */
const noLease = { leaseEndAt: 0, leaseMs: 0 };

describe('complete', () => {
  test.each([
    { what: 'an outcome', outcome: bytes('done'), outcomeEndAt: at + 300 },
    { what: 'an empty outcome', outcome: new Uint8Array(0), outcomeEndAt: at + 300 },
    { what: 'no outcome', outcome: null, outcomeEndAt: 0 },
  ])('records $what, drops the steps, and keeps the record for recordTtlMs from now', ({ outcome, outcomeEndAt }) => {
    const { record: recovered } = complete({ ...guarded, recovering: true }, lease(), completion({ outcome }), at);
    expect(recovered?.expiresAt).toBe(guarded.expiresAt);
    const { record } = complete(guarded, lease(), completion({ outcome }), at);
    const finished = {
      state: 'completed',
      steps: new Map(),
      note: '200',
      completedAt: at,
      expiresAt: at + 1_000,
      ...noLease,
    } as const;
    expect(record).toEqual({ ...guarded, ...finished, outcome, outcomeEndAt });
  });

  test('restores only before notAfter, which does not limit it on its own record', () => {
    for (const record of [null, running]) {
      const late = complete(record, newerLease(), completion({ notAfter: at }), at);
      expect([late.reply.kind, late.record]).toEqual(['gone', record]);
    }
    expect(complete(running, lease(), completion({ notAfter: 0 }), at).reply.kind).toBe('ok');
  });

  test('restores the record from the facts in the lease, and does not shorten the lifetime of an older copy', () => {
    for (const [before, expiresAt] of [
      [null, at + 1_000],
      [unknown, at + 5_000],
      [expired(running), at + 1_000],
    ] as const) {
      const { record } = complete(before, newerLease(), completion(), at);
      const carried = {
        ownerToken: 'newer',
        fencingToken: fencingToken + 1,
        attempt: 2,
        takeover: true,
        steps: new Map(),
        retryAt: null,
      };
      expect(record).toMatchObject({
        ...carried,
        state: 'completed',
        outcome: bytes('done'),
        completedAt: at,
        expiresAt,
      });
    }
  });

  const stale = lease({ ownerToken: 'stale', fencingToken: fencingToken - 1 });
  test.each([
    { what: 'running', record: running, by: stale, standing: { kind: 'in_progress', retryAfterMs: 60 } },
    { what: 'abandoned', record: abandoned, by: stale, standing: { kind: 'retryable' } },
    {
      what: 'guarded',
      record: guarded,
      by: stale,
      standing: { kind: 'outcome_unknown', retryAfterMs: null, note: 'old note' },
    },
    { what: 'retryable', record: retryable, by: stale, standing: { kind: 'retryable' } },
    {
      what: 'unknown',
      record: unknown,
      by: lease(),
      standing: { kind: 'outcome_unknown', retryAfterMs: 10, note: 'old note' },
    },
    {
      what: 'tombstone',
      record: tombstone,
      by: stale,
      standing: { kind: 'expired', completedAt: at - 5, note: '201' },
    },
    { what: 'removed', record: removed, by: stale, standing: { kind: 'retryable' } },
    {
      what: 'key_reused',
      record: running,
      by: lease({ fencingToken: 1, fingerprint: 'v2:a' }),
      standing: { kind: 'key_reused', version: 'v1' },
    },
    {
      what: 'completed',
      record: completed,
      by: stale,
      standing: {
        kind: 'completed',
        outcome: bytes('paid'),
        outcomeLeftMs: 300,
        completedAt: at - 5,
        note: '201',
        attempt: 1,
        fencingToken,
        traceparent: null,
      },
    },
  ])('that is lost replies the standing: $what', ({ record, by, standing }) => {
    expect(complete(record, by, completion(), at).reply).toEqual({ kind: 'lost', standing, now: at });
  });
});

describe('release', () => {
  const withoutSteps: StoredRecord = { ...abandoned, steps: new Map() };
  const longLived: StoredRecord = { ...withoutSteps, expiresAt: at + 99_000_000 };
  const rows: readonly (readonly [request: ReleaseRequest, from: StoredRecord, becomes: Partial<StoredRecord>])[] = [
    [{ as: 'retryable' }, guarded, { state: 'retryable', note: null, retryAt: null, expiresAt: at + 5_000 }],
    [{ as: 'retryable' }, abandoned, { state: 'retryable', expiresAt: at + 1_000 }],
    [
      { as: 'unknown', retryAfterMs: 9, note: 'why' },
      running,
      { state: 'unknown', note: 'why', retryAt: at + 9, expiresAt: at + 5_000 },
    ],
    [{ as: 'unknown', retryAfterMs: null, note: null }, guarded, { state: 'unknown', note: null, retryAt: null }],
    [{ as: 'not_started' }, guarded, { state: 'retryable', note: null }],
    [
      { as: 'not_started' },
      { ...guarded, recovering: true },
      { state: 'unknown', note: 'old note', retryAt: null, expiresAt: at + 5_000 },
    ],
    [{ as: 'retryable' }, { ...guarded, recovering: true }, { state: 'retryable', note: null }],
    [{ as: 'retryable', unbindFingerprint: true }, abandoned, { state: 'retryable' }],
    [{ as: 'retryable', unbindFingerprint: true }, { ...withoutSteps, fingerprintBound: true }, { state: 'retryable' }],
    [{ as: 'retryable', unbindFingerprint: false }, withoutSteps, { state: 'retryable' }],
    [{ as: 'retryable', unbindFingerprint: true }, withoutSteps, { state: 'retryable', fingerprint: null }],
    [{ as: 'retryable' }, longLived, { state: 'retryable', expiresAt: at + 3_600_000 }],
    [{ as: 'not_started' }, longLived, { state: 'retryable', expiresAt: at + 3_600_000 }],
    [
      { as: 'retryable' },
      { ...longLived, leaseEndAt: at + 4_000_000 },
      { state: 'retryable', expiresAt: at + 4_000_000 },
    ],
    [{ as: 'retryable' }, { ...longLived, steps: running.steps }, { state: 'retryable' }],
  ];
  test.each(rows)('%o', (request, from, becomes) => {
    const { record, reply } = release(from, lease(), request, at);
    expect(reply).toEqual({ kind: 'ok', now: at });
    expect(record).toEqual({ ...from, ...noLease, ...becomes });
  });

  test('as not_started is identified by the owner token alone', () => {
    const holder = { key: 'k', ownerToken: 'mine', fencingToken: null, ...retention };
    expect(release(running, holder, { as: 'not_started' }, at).record?.state).toBe('retryable');
    for (const record of Object.values(records)) {
      const other = release(record, { ...holder, ownerToken: 'other' }, { as: 'not_started' }, at);
      expect([other.reply.kind, other.record]).toEqual(['lost', record]);
    }
    expect(release(null, holder, { as: 'not_started' }, at).reply.kind).toBe('gone');
  });
});
