// The transition table of acquire, part 2: ended by this owner token, abandoned, unknown, retryable, completed.
import { test } from 'vitest';
import { type AcquireRow, expectRow, nextAttempt, ownToken, recover, takenOver } from './acquire-table.js';
import {
  abandoned,
  at,
  bytes,
  completed,
  fencingToken,
  guarded,
  retryable,
  steps,
  tombstone,
  unknown,
} from './builders.js';

const rows: Record<string, AcquireRow> = {
  // retryable or unknown, last held by this owner token
  'released by this owner token': { record: retryable, request: ownToken, reply: { kind: 'superseded' } },
  'left unknown by this owner token': { record: unknown, request: ownToken, reply: { kind: 'superseded' } },
  'left unknown by this owner token, recover': {
    record: { ...unknown, retryAt: null },
    request: { ...ownToken, ...recover },
    reply: { kind: 'superseded' },
  },

  // abandoned, not guarded
  abandoned: {
    record: abandoned,
    reply: { ...nextAttempt, takeover: true },
    becomes: { ...takenOver, takeover: true, recovering: false, steps, note: null },
  },
  'abandoned, block': {
    record: abandoned,
    request: { onAbandoned: 'block' },
    reply: { ...nextAttempt, takeover: true, guarded: true },
    becomes: { ...takenOver, guarded: true },
  },
  'abandoned, recover': {
    record: abandoned,
    request: recover,
    reply: { ...nextAttempt, takeover: true, guarded: true },
    becomes: { ...takenOver, recovering: false },
  },
  'abandoned, no fingerprint in the request': {
    record: abandoned,
    request: { fingerprint: null },
    reply: { kind: 'acquired' },
    becomes: { fingerprint: 'v1:a' },
  },
  'abandoned, no fingerprint in the record': {
    record: { ...abandoned, fingerprint: null },
    reply: { kind: 'acquired' },
    becomes: { fingerprint: 'v1:a', fingerprintBound: false },
  },
  'abandoned, the fingerprint of an earlier attempt': {
    record: abandoned,
    reply: { kind: 'acquired', fingerprintBound: true },
    becomes: { fingerprint: 'v1:a', fingerprintBound: true },
  },

  // abandoned and guarded, or unknown; the caller says recover, and its retryAfterMs has passed
  'guarded, recover': {
    record: guarded,
    request: recover,
    reply: { ...nextAttempt, takeover: true, recovering: true, guarded: true },
    becomes: { ...takenOver, takeover: true, recovering: true, guarded: true, note: 'old note', steps },
  },
  'unknown, recover, retryAfterMs has passed': {
    record: { ...unknown, retryAt: at },
    request: recover,
    reply: { ...nextAttempt, takeover: true, recovering: true, guarded: true },
    becomes: { ...takenOver, takeover: true, recovering: true, guarded: true, note: 'old note', retryAt: null, steps },
  },
  'unknown without retryAfterMs, recover': {
    record: { ...unknown, retryAt: null },
    request: recover,
    reply: { kind: 'acquired', recovering: true },
    becomes: takenOver,
  },

  // abandoned and guarded, or unknown, in all other cases
  guarded: { record: guarded, reply: { kind: 'outcome_unknown', retryAfterMs: null, note: 'old note' } },
  'guarded, block': { record: guarded, request: { onAbandoned: 'block' }, reply: { kind: 'outcome_unknown' } },
  unknown: { record: unknown, reply: { kind: 'outcome_unknown', retryAfterMs: 10, note: 'old note' } },
  'unknown, block': {
    record: unknown,
    request: { onAbandoned: 'block' },
    reply: { kind: 'outcome_unknown', retryAfterMs: 10 },
  },
  'unknown, retryAfterMs has passed': {
    record: { ...unknown, retryAt: at - 1 },
    reply: { kind: 'outcome_unknown', retryAfterMs: 0 },
  },
  'unknown, recover too early': {
    record: unknown,
    request: recover,
    reply: { kind: 'outcome_unknown', retryAfterMs: 10 },
  },

  // retryable
  retryable: {
    record: retryable,
    reply: nextAttempt,
    becomes: { ...takenOver, takeover: false, recovering: false, guarded: false, steps },
  },
  'retryable, block': {
    record: retryable,
    request: { onAbandoned: 'block' },
    reply: { ...nextAttempt, guarded: true },
    becomes: { ...takenOver, guarded: true },
  },
  'retryable after a decision': {
    record: {
      ...retryable,
      guarded: true,
      recovering: true,
      decisions: [{ fencingToken: 3, as: 'not_done', by: 'ops', reason: 'r', at: 2 }],
    },
    reply: nextAttempt,
    becomes: {
      ...takenOver,
      guarded: false,
      recovering: false,
      decisions: [{ fencingToken: 3, as: 'not_done', by: 'ops', reason: 'r', at: 2 }],
    },
  },

  // completed
  completed: {
    record: completed,
    reply: {
      kind: 'completed',
      outcome: bytes('paid'),
      outcomeLeftMs: 300,
      completedAt: at - 5,
      note: '201',
      attempt: 1,
      fencingToken,
    },
  },
  'completed by this owner token': { record: completed, request: ownToken, reply: { kind: 'completed' } },
  'completed, with an empty outcome': {
    record: { ...completed, outcome: new Uint8Array(0) },
    reply: { kind: 'completed', outcome: new Uint8Array(0) },
  },
  'completed, the record expires before the outcome': {
    record: { ...completed, expiresAt: at + 9 },
    reply: { kind: 'completed', outcomeLeftMs: 9 },
  },
  'completed, the outcome has expired': {
    record: { ...completed, outcomeEndAt: at },
    reply: { kind: 'expired', completedAt: at - 5, note: '201' },
  },
  tombstone: { record: tombstone, request: recover, reply: { kind: 'expired', completedAt: at - 5, note: '201' } },
};

test.each(Object.entries(rows))('acquire: %s', (_, row) => expectRow(row));
