// Resolve and remove: the operations for people.
import { describe, expect, test } from 'vitest';
import {
  type ResolveRequest,
  recordLayout,
  remove,
  resolve,
  type StoredRecord,
} from '../../packages/core/src/protocol/index.js';
import {
  abandoned,
  at,
  bytes,
  completed,
  decision,
  expired,
  fencingToken,
  guarded,
  records,
  removed,
  retryable,
  running,
  tombstone,
  unknown,
} from './builders.js';

const as = 'done' as const;
const decided = { fencingToken, as: 'not_done', by: 'ops', reason: 'asked', at: at - 9 } as const;
const freed = { ...retryable, fencingToken: fencingToken + 1, decisions: [decided] };
const closed = { ...completed, fencingToken: fencingToken + 1, decisions: [{ ...decided, as }] };

interface ResolveRow {
  readonly record: StoredRecord | null;
  readonly request?: Partial<ResolveRequest>;
  readonly reply: object;
  readonly becomes?: Partial<StoredRecord>;
}

const conflict = (kind: string) => ({ kind: 'conflict', standing: { kind } });
const outcome = { outcome: bytes('decided'), outcomeEndAt: at + 300, completedAt: at };
const raised = { fencingToken: fencingToken + 1, note: null, retryAt: null, leaseEndAt: 0, leaseMs: 0 };
const done = { ...raised, state: 'completed', steps: new Map(), ...outcome } as const;
const notDone = { ...raised, state: 'retryable' } as const;

const rows: Record<string, ResolveRow> = {
  'unknown, done': {
    record: unknown,
    request: { as },
    reply: { kind: 'ok' },
    becomes: { ...done, expiresAt: unknown.expiresAt },
  },
  'unknown, done, with a longer retention': {
    record: unknown,
    request: { as, recordTtlMs: 9_000, outcomeTtlMs: 8_000 },
    reply: { kind: 'ok' },
    becomes: { ...done, expiresAt: at + 9_000, outcomeEndAt: at + 8_000 },
  },
  'unknown, done, with an outcomeTtlMs beyond the record’s retention': {
    record: unknown,
    request: { as, outcomeTtlMs: 8_000 },
    reply: { kind: 'ok' },
    becomes: { ...done, expiresAt: at + 8_000, outcomeEndAt: at + 8_000 },
  },
  'unknown, done, with a shorter retention': {
    record: unknown,
    request: { as, recordTtlMs: 2, outcomeTtlMs: 1 },
    reply: { kind: 'ok' },
    becomes: { ...done, expiresAt: unknown.expiresAt, outcomeEndAt: at + 300 },
  },
  'unknown, not done, with a longer retention': {
    record: unknown,
    request: { recordTtlMs: 9_000 },
    reply: { kind: 'ok' },
    becomes: { ...notDone, expiresAt: at + 9_000 },
  },
  'unknown, not done': {
    record: unknown,
    reply: { kind: 'ok' },
    becomes: { ...notDone, expiresAt: unknown.expiresAt },
  },
  'abandoned, done': {
    record: abandoned,
    request: { as },
    reply: { kind: 'ok' },
    becomes: { ...done, expiresAt: at + 1_000 },
  },
  'abandoned, not done': { record: abandoned, reply: { kind: 'ok' }, becomes: { ...notDone, expiresAt: at + 1_000 } },
  'abandoned and guarded, done': { record: guarded, request: { as }, reply: { kind: 'ok' }, becomes: done },
  'abandoned and guarded, not done': { record: guarded, reply: { kind: 'ok' }, becomes: notDone },
  'done, without an outcome': {
    record: unknown,
    request: { as, outcome: null },
    reply: { kind: 'ok' },
    becomes: { state: 'completed', outcome: null, completedAt: at },
  },
  'unknown of an old fencing token': {
    record: { ...unknown, fencingToken: 5 },
    request: { expectedFencingToken: 5 },
    reply: { kind: 'ok' },
    becomes: { fencingToken: at },
  },

  'again, not done': { record: freed, reply: { kind: 'ok' } },
  'again, done': { record: closed, request: { as }, reply: { kind: 'ok' } },
  'again, the outcome has expired': { record: { ...closed, outcomeEndAt: at }, request: { as }, reply: { kind: 'ok' } },
  'again, after another attempt that was abandoned': {
    record: { ...unknown, fencingToken: fencingToken + 2, decisions: [decided] },
    reply: conflict('outcome_unknown'),
  },
  'again, after another decision': {
    record: {
      ...freed,
      fencingToken: fencingToken + 2,
      decisions: [decided, { ...decided, fencingToken: fencingToken + 1 }],
    },
    reply: conflict('retryable'),
  },
  'again, by another person': { record: freed, request: { by: 'Ben' }, reply: conflict('retryable') },
  'again, for another reason': { record: freed, request: { reason: 'looked' }, reply: conflict('retryable') },
  'done, again, by another person': { record: closed, request: { as, by: 'Ben' }, reply: conflict('completed') },
  'again, with the opposite decision': { record: freed, request: { as }, reply: conflict('retryable') },
  'not done, after done': { record: closed, reply: conflict('completed') },
  'again, from another fencing token': {
    record: freed,
    request: { expectedFencingToken: fencingToken + 1 },
    reply: conflict('retryable'),
  },

  alive: { record: running, reply: conflict('in_progress') },
  'alive and guarded': { record: { ...guarded, leaseEndAt: at + 1 }, reply: conflict('in_progress') },
  'another fencing token': {
    record: unknown,
    request: { expectedFencingToken: fencingToken - 1 },
    reply: conflict('outcome_unknown'),
  },
  'abandoned, another fencing token': {
    record: abandoned,
    request: { expectedFencingToken: fencingToken + 1 },
    reply: conflict('retryable'),
  },
  retryable: { record: retryable, reply: conflict('retryable') },
  completed: { record: completed, request: { as }, reply: conflict('completed') },
  tombstone: { record: tombstone, request: { as }, reply: conflict('expired') },
  removed: { record: removed, reply: conflict('retryable') },
  absent: { record: null, reply: { kind: 'gone' } },
  expired: { record: expired(unknown), reply: { kind: 'gone' } },
};

describe('resolve', () => {
  test.each(Object.entries(rows))('%s', (_, { record, request, reply, becomes }) => {
    const transition = resolve(record, decision(request), at);
    expect(transition.reply).toMatchObject({ ...reply, now: at });
    if (becomes === undefined) expect(transition.record).toBe(record);
    else {
      const { expectedFencingToken, as: how, by, reason } = decision(request);
      const made = { fencingToken: expectedFencingToken, as: how, by, reason, at };
      expect(transition.record).toMatchObject({ ...becomes, decisions: [made] });
    }
  });

  test('as not done keeps the owner token, the attempt and the results of steps, and drops steps in doubt', () => {
    const step = (seq: number) => ({ seq, bytes: Buffer.from('x') });
    const steps = new Map([
      ['done', step(2)],
      ['begun', step(1)],
      ['begun again', step(3)],
      ['withdrawn', step(4)],
    ]);
    const { record } = resolve({ ...unknown, steps }, decision(), at);
    expect(record).toMatchObject({ ownerToken: 'mine', attempt: 1 });
    expect([...(record?.steps.keys() ?? [])]).toEqual(['done', 'withdrawn']);
  });
});

test('resolve keeps the last five decisions', () => {
  const earlier = [1, 2, 3, 4, 5].map((n) => ({ ...decided, fencingToken: n }));
  const { record } = resolve({ ...unknown, decisions: earlier }, decision(), at);
  expect(record?.decisions.map((made) => made.fencingToken)).toEqual([2, 3, 4, 5, fencingToken]);
});

describe('remove', () => {
  test.each(Object.entries(records))('keeps nothing but the fencing token, for an hour: %s', (_, record) => {
    const nobody = { ownerToken: '', fingerprint: null, attempt: 0, leaseEndAt: 0, leaseMs: 0, steps: new Map() };
    const nothing = { note: null, retryAt: null, decisions: [], completedAt: null, outcome: null, outcomeEndAt: 0 };
    const flags = { takeover: false, recovering: false, guarded: false, fingerprintBound: false };
    const nowhere = { operation: '', label: null, traceparent: null, firstAcquiredAt: 0, acquiredAt: 0 };
    const noRetention = { recordTtlMs: 0, outcomeTtlMs: 0, unknownTtlMs: 0 };
    const expiresAt = Math.max(at, record.leaseEndAt) + 3_600_000;
    const kept = { layout: recordLayout, state: 'removed', fencingToken, expiresAt, ...noRetention };
    expect(remove(record, at)).toStrictEqual({ ...kept, ...nobody, ...nothing, ...nowhere, ...flags });
  });

  test.each([null, expired(running)])('does not change an absent or expired record', (record) => {
    expect(remove(record, at)).toBe(record);
  });
});
