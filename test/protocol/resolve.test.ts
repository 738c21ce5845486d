// Resolve and remove: what people do to a record.
import { describe, expect, test } from 'vitest';
import {
  type Resolve,
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
  fence,
  gone,
  guarded,
  records,
  removed,
  retryable,
  running,
  tombstone,
  unknown,
} from './builders.js';

const as = 'done' as const;
const decided = { fence, as: 'not_done', by: 'somebody', reason: 'asked', at: at - 9 } as const;
const freed = { ...retryable, fence: fence + 1, decisions: [decided] };
const closed = { ...completed, fence: fence + 1, decisions: [{ ...decided, as }] };

interface Row {
  readonly record: StoredRecord | null;
  readonly request?: Partial<Resolve>;
  readonly answer: object;
  readonly becomes?: Partial<StoredRecord>;
}

const conflict = (kind: string) => ({ kind: 'conflict', standing: { kind } });
const outcome = { outcome: bytes('decided'), outcomeEndAt: at + 300, completedAt: at };
const raised = { fence: fence + 1, note: null, retryAt: null, leaseEndAt: 0, leaseMs: 0 };
const done = { ...raised, state: 'completed', steps: new Map(), ...outcome } as const;
const notDone = { ...raised, state: 'retryable' } as const;

const rows: Record<string, Row> = {
  'unknown, done': {
    record: unknown,
    request: { as },
    answer: { kind: 'ok' },
    becomes: { ...done, expiresAt: unknown.expiresAt },
  },
  'unknown, done, to be known for longer': {
    record: unknown,
    request: { as, recordTtlMs: 9_000, outcomeTtlMs: 8_000 },
    answer: { kind: 'ok' },
    becomes: { ...done, expiresAt: at + 9_000, outcomeEndAt: at + 8_000 },
  },
  'unknown, done, its answer to be known for longer than the record': {
    record: unknown,
    request: { as, outcomeTtlMs: 8_000 },
    answer: { kind: 'ok' },
    becomes: { ...done, expiresAt: at + 8_000, outcomeEndAt: at + 8_000 },
  },
  'unknown, done, to be known for less long': {
    record: unknown,
    request: { as, recordTtlMs: 2, outcomeTtlMs: 1 },
    answer: { kind: 'ok' },
    becomes: { ...done, expiresAt: unknown.expiresAt, outcomeEndAt: at + 300 },
  },
  'unknown, not done, to be known for longer': {
    record: unknown,
    request: { recordTtlMs: 9_000 },
    answer: { kind: 'ok' },
    becomes: { ...notDone, expiresAt: at + 9_000 },
  },
  'unknown, not done': {
    record: unknown,
    answer: { kind: 'ok' },
    becomes: { ...notDone, expiresAt: unknown.expiresAt },
  },
  'abandoned, done': {
    record: abandoned,
    request: { as },
    answer: { kind: 'ok' },
    becomes: { ...done, expiresAt: at + 1_000 },
  },
  'abandoned, not done': { record: abandoned, answer: { kind: 'ok' }, becomes: { ...notDone, expiresAt: at + 1_000 } },
  'abandoned and guarded, done': { record: guarded, request: { as }, answer: { kind: 'ok' }, becomes: done },
  'abandoned and guarded, not done': { record: guarded, answer: { kind: 'ok' }, becomes: notDone },
  'done, without an outcome': {
    record: unknown,
    request: { as, outcome: null },
    answer: { kind: 'ok' },
    becomes: { state: 'completed', outcome: null, completedAt: at },
  },
  'unknown of an old fencing token': {
    record: { ...unknown, fence: 5 },
    request: { expectFence: 5 },
    answer: { kind: 'ok' },
    becomes: { fence: at },
  },

  'again, not done': { record: freed, answer: { kind: 'ok' } },
  'again, done': { record: closed, request: { as }, answer: { kind: 'ok' } },
  'again, the bytes are over': { record: { ...closed, outcomeEndAt: at }, request: { as }, answer: { kind: 'ok' } },
  'again, after somebody acquired and was abandoned': {
    record: { ...unknown, fence: fence + 2, decisions: [decided] },
    answer: conflict('unknown'),
  },
  'again, after another decision': {
    record: { ...freed, fence: fence + 2, decisions: [decided, { ...decided, fence: fence + 1 }] },
    answer: conflict('retryable'),
  },
  'again, but the other way': { record: freed, request: { as }, answer: conflict('retryable') },
  'again, but done before': { record: closed, answer: conflict('completed') },
  'again, from another fencing token': {
    record: freed,
    request: { expectFence: fence + 1 },
    answer: conflict('retryable'),
  },

  alive: { record: running, answer: conflict('in_progress') },
  'alive and guarded': { record: { ...guarded, leaseEndAt: at + 1 }, answer: conflict('in_progress') },
  'another fencing token': { record: unknown, request: { expectFence: fence - 1 }, answer: conflict('unknown') },
  'abandoned, another fencing token': {
    record: abandoned,
    request: { expectFence: fence + 1 },
    answer: conflict('retryable'),
  },
  retryable: { record: retryable, answer: conflict('retryable') },
  completed: { record: completed, request: { as }, answer: conflict('completed') },
  tombstone: { record: tombstone, request: { as }, answer: conflict('expired') },
  removed: { record: removed, answer: conflict('retryable') },
  absent: { record: null, answer: { kind: 'gone' } },
  gone: { record: gone(unknown), answer: { kind: 'gone' } },
};

describe('resolve', () => {
  test.each(Object.entries(rows))('%s', (_, { record, request, answer, becomes }) => {
    const transition = resolve(record, decision(request), at);
    expect(transition.answer).toMatchObject({ ...answer, now: at });
    if (becomes === undefined) expect(transition.record).toBe(record);
    else {
      const { expectFence, as: how, by, reason } = decision(request);
      const made = { fence: expectFence, as: how, by, reason, at };
      expect(transition.record).toMatchObject({ ...becomes, decisions: [made] });
    }
  });

  test('as not done keeps the token, the attempt and what became of steps; those that were in doubt may run', () => {
    const step = (seq: number) => ({ seq, bytes: Buffer.from('x') });
    const steps = new Map([
      ['done', step(2)],
      ['begun', step(1)],
      ['begun again', step(3)],
      ['withdrawn', step(4)],
    ]);
    const { record } = resolve({ ...unknown, steps }, decision(), at);
    expect(record).toMatchObject({ token: 'mine', attempt: 1 });
    expect([...(record?.steps.keys() ?? [])]).toEqual(['done', 'withdrawn']);
  });
});

test('resolve keeps the last five decisions', () => {
  const earlier = [1, 2, 3, 4, 5].map((n) => ({ ...decided, fence: n }));
  const { record } = resolve({ ...unknown, decisions: earlier }, decision(), at);
  expect(record?.decisions.map((made) => made.fence)).toEqual([2, 3, 4, 5, fence]);
});

describe('remove', () => {
  test.each(Object.entries(records))('leaves nothing but the fencing token, for an hour: %s', (_, record) => {
    const nobody = { token: '', fingerprint: null, attempt: 0, leaseEndAt: 0, leaseMs: 0, steps: new Map() };
    const nothing = { note: null, retryAt: null, decisions: [], completedAt: null, outcome: null, outcomeEndAt: 0 };
    const flags = { takeover: false, recovering: false, guarded: false, bound: false };
    const noTerms = { recordTtlMs: 0, outcomeTtlMs: 0, unknownTtlMs: 0 };
    const expiresAt = Math.max(at, record.leaseEndAt) + 3_600_000;
    const kept = { layout: recordLayout, state: 'removed', fence, expiresAt, ...noTerms };
    expect(remove(record, at)).toStrictEqual({ ...kept, ...nobody, ...nothing, ...flags });
  });

  test.each([null, gone(running)])('leaves what is absent or gone as it is', (record) => {
    expect(remove(record, at)).toBe(record);
  });
});
