// The transition table of acquire, second part: finished by this token, abandoned, unknown, retryable, completed.
import { test } from 'vitest';
import { expectRow, mine, next, type Row, recover, took } from './acquire-rows.js';
import { abandoned, at, bytes, completed, fence, guarded, retryable, steps, tombstone, unknown } from './builders.js';

const rows: Record<string, Row> = {
  // retryable or unknown, last held by this token
  'released by this token': { record: retryable, request: mine, answer: { kind: 'superseded' } },
  'left unknown by this token': { record: unknown, request: mine, answer: { kind: 'superseded' } },
  'left unknown by this token, recover': {
    record: { ...unknown, retryAt: null },
    request: { ...mine, ...recover },
    answer: { kind: 'superseded' },
  },

  // abandoned, not guarded
  abandoned: {
    record: abandoned,
    answer: { ...next, takeover: true },
    becomes: { ...took, takeover: true, recovering: false, steps, note: null },
  },
  'abandoned, block': {
    record: abandoned,
    request: { onAbandoned: 'block' },
    answer: { ...next, takeover: true, guarded: true },
    becomes: { ...took, guarded: true },
  },
  'abandoned, recover': {
    record: abandoned,
    request: recover,
    answer: { ...next, takeover: true, guarded: true },
    becomes: { ...took, recovering: false },
  },
  'abandoned, no payload told': {
    record: abandoned,
    request: { fingerprint: null },
    answer: { kind: 'acquired' },
    becomes: { fingerprint: 'v1:a' },
  },
  'abandoned, no payload kept': {
    record: { ...abandoned, fingerprint: null },
    answer: { kind: 'acquired' },
    becomes: { fingerprint: 'v1:a', bound: false },
  },
  'abandoned, the payload of an earlier attempt': {
    record: abandoned,
    answer: { kind: 'acquired', bound: true },
    becomes: { fingerprint: 'v1:a', bound: true },
  },

  // abandoned and guarded, or unknown; caller says recover; its retryAfterMs is over
  'guarded, recover': {
    record: guarded,
    request: recover,
    answer: { ...next, takeover: true, recovering: true, guarded: true },
    becomes: { ...took, takeover: true, recovering: true, guarded: true, note: 'old note', steps },
  },
  'unknown, recover, its time is over': {
    record: { ...unknown, retryAt: at },
    request: recover,
    answer: { ...next, takeover: true, recovering: true, guarded: true },
    becomes: { ...took, takeover: true, recovering: true, guarded: true, note: 'old note', retryAt: null, steps },
  },
  'unknown at once, recover': {
    record: { ...unknown, retryAt: null },
    request: recover,
    answer: { kind: 'acquired', recovering: true },
    becomes: took,
  },

  // abandoned and guarded, or unknown; otherwise
  guarded: { record: guarded, answer: { kind: 'unknown', retryAfterMs: null, note: 'old note' } },
  'guarded, block': { record: guarded, request: { onAbandoned: 'block' }, answer: { kind: 'unknown' } },
  unknown: { record: unknown, answer: { kind: 'unknown', retryAfterMs: 10, note: 'old note' } },
  'unknown, block': {
    record: unknown,
    request: { onAbandoned: 'block' },
    answer: { kind: 'unknown', retryAfterMs: 10 },
  },
  'unknown, its time is over': {
    record: { ...unknown, retryAt: at - 1 },
    answer: { kind: 'unknown', retryAfterMs: 0 },
  },
  'unknown, recover too early': { record: unknown, request: recover, answer: { kind: 'unknown', retryAfterMs: 10 } },

  // retryable
  retryable: {
    record: retryable,
    answer: next,
    becomes: { ...took, takeover: false, recovering: false, guarded: false, steps },
  },
  'retryable, block': {
    record: retryable,
    request: { onAbandoned: 'block' },
    answer: { ...next, guarded: true },
    becomes: { ...took, guarded: true },
  },
  'retryable after a decision': {
    record: {
      ...retryable,
      guarded: true,
      recovering: true,
      decisions: [{ fence: 3, as: 'not_done', by: 'ops', reason: 'r', at: 2 }],
    },
    answer: next,
    becomes: {
      ...took,
      guarded: false,
      recovering: false,
      decisions: [{ fence: 3, as: 'not_done', by: 'ops', reason: 'r', at: 2 }],
    },
  },

  // completed
  completed: {
    record: completed,
    answer: {
      kind: 'completed',
      outcome: bytes('paid'),
      outcomeLeftMs: 300,
      completedAt: at - 5,
      note: '201',
      attempt: 1,
      fence,
    },
  },
  'completed by this token': { record: completed, request: mine, answer: { kind: 'completed' } },
  'completed, nothing in it': {
    record: { ...completed, outcome: new Uint8Array(0) },
    answer: { kind: 'completed', outcome: new Uint8Array(0) },
  },
  'completed, the record ends before the bytes': {
    record: { ...completed, expiresAt: at + 9 },
    answer: { kind: 'completed', outcomeLeftMs: 9 },
  },
  'completed, bytes over': {
    record: { ...completed, outcomeEndAt: at },
    answer: { kind: 'expired', completedAt: at - 5, note: '201' },
  },
  tombstone: { record: tombstone, request: recover, answer: { kind: 'expired', completedAt: at - 5, note: '201' } },
};

test.each(Object.entries(rows))('acquire: %s', (_, row) => expectRow(row));
