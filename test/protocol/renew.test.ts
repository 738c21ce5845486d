// Renew and checkpoint: longer leases, restored records, and steps whose first bytes stand.
import { describe, expect, test } from 'vitest';
import { checkpoint, renew } from '../../packages/core/src/protocol/index.js';
import { at, bytes, completed, expired, guarded, lease, newerLease, running, steps, unknown } from './builders.js';

describe('renew', () => {
  test.each([
    { what: 'longer', leaseMs: 100, leaseEndAt: at + 100, keptMs: 100 },
    { what: 'not shorter', leaseMs: 5, leaseEndAt: at + 60, keptMs: 70 },
  ])('makes a lease $what', (row) => {
    const { record, reply } = renew({ ...running, leaseMs: 70 }, lease(), row.leaseMs, at);
    expect(reply).toEqual({ kind: 'ok', leaseEndAt: row.leaseEndAt, now: at });
    expect(record).toEqual({
      ...running,
      leaseEndAt: row.leaseEndAt,
      leaseMs: row.keptMs,
      expiresAt: row.leaseEndAt + 1_000,
    });
  });

  test('keeps a guarded record unknownTtlMs, and shortens no life', () => {
    expect(renew(guarded, lease(), 100, at).record?.expiresAt).toBe(at + 5_100);
    const longLived = { ...running, expiresAt: at + 99_999 };
    expect(renew(longLived, lease(), 100, at).record?.expiresAt).toBe(at + 99_999);
  });

  test('replies with the last known lease end on its own completed record', () => {
    const { record, reply } = renew(completed, lease({ leaseEndAt: at - 9 }), 100, at);
    expect(reply).toEqual({ kind: 'ok', leaseEndAt: at - 9, now: at });
    expect(record).toBe(completed);
  });

  test('restores only while now is before the lease end that was last told', () => {
    for (const record of [null, running]) {
      expect(renew(record, newerLease({ leaseEndAt: at + 1 }), 100, at).reply.kind).toBe('restored');
      const late = renew(record, newerLease({ leaseEndAt: at }), 100, at);
      expect([late.reply.kind, late.record]).toEqual(['gone', record]);
    }
  });

  test.each([
    { what: 'an absent record', before: null, kept: new Map(), expiresAt: at + 100 + 5_000 },
    { what: 'an older copy', before: { ...unknown, expiresAt: at + 9_999 }, kept: steps, expiresAt: at + 9_999 },
    { what: 'a gone record', before: expired(running), kept: new Map(), expiresAt: at + 100 + 5_000 },
  ])('writes $what anew from what the lease carries', ({ before, kept, expiresAt }) => {
    const by = newerLease({ guarded: true, recovering: true, fingerprint: 'v1:b' });
    const { ownerToken, fencingToken: mine, attempt, takeover } = by;
    const carried = {
      fingerprint: 'v1:b',
      ownerToken: ownerToken,
      fencingToken: mine,
      attempt,
      takeover,
      recovering: true,
      guarded: true,
    };
    const { record, reply } = renew(before, by, 100, at);
    expect(reply).toEqual({ kind: 'restored', leaseEndAt: at + 100, now: at });
    expect(record).toMatchObject({
      ...carried,
      state: 'in_progress',
      leaseEndAt: at + 100,
      leaseMs: 100,
      steps: kept,
      expiresAt,
    });
    expect(record).toMatchObject({ note: null, retryAt: null, outcome: null, completedAt: null });
  });
});

describe('checkpoint', () => {
  test.each([
    { what: 'a new step', seq: 0, step: 'mail', holds: { seq: 0, bytes: bytes('new') } },
    { what: 'a higher seq', seq: 2, step: 'charge', holds: { seq: 2, bytes: bytes('new') } },
    { what: 'the same seq again', seq: 1, step: 'charge', holds: { seq: 1, bytes: bytes('ch_1') } },
    { what: 'a lower seq', seq: 0, step: 'charge', holds: { seq: 1, bytes: bytes('ch_1') } },
  ])('after $what the step holds what it should, and the others are untouched', ({ seq, step, holds }) => {
    const { record, reply } = checkpoint(running, lease(), { step, seq, bytes: bytes('new') }, at);
    expect(reply).toEqual({ kind: 'ok', now: at });
    expect(record).toEqual({ ...running, steps: new Map([...steps, [step, holds]]) });
    expect(running.steps).toEqual(new Map([['charge', { seq: 1, bytes: bytes('ch_1') }]]));
  });
});
