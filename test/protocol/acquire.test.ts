// The transition table of acquire, part 1: too late, new, another payload, the same owner token, and a lease that is alive.
import { test } from 'vitest';
import {
  type AcquireRow,
  expectRow,
  firstAttempt,
  leaseEndAt,
  ownToken,
  recover,
  unchangedFacts,
} from './acquire-table.js';
import {
  abandoned,
  at,
  completed,
  expired,
  fencingToken,
  guarded,
  leaseMs,
  removed,
  retryable,
  running,
  tombstone,
  unknown,
} from './builders.js';

const rows: Record<string, AcquireRow> = {
  // would be created or changed, but now > notAfter
  'absent, too late': { record: null, request: { notAfter: at - 1 }, reply: { kind: 'superseded' } },
  'expired, too late': { record: expired(running), request: { notAfter: at - 1 }, reply: { kind: 'superseded' } },
  'own, too late': { record: running, request: { ...ownToken, notAfter: at - 1 }, reply: { kind: 'superseded' } },
  'abandoned, too late': { record: abandoned, request: { notAfter: at - 1 }, reply: { kind: 'superseded' } },
  'guarded, recover, too late': {
    record: guarded,
    request: { ...recover, notAfter: 0 },
    reply: { kind: 'superseded' },
  },
  'retryable, too late': { record: retryable, request: { notAfter: at - 1 }, reply: { kind: 'superseded' } },
  'alive, after notAfter': {
    record: running,
    request: { notAfter: 0 },
    reply: { kind: 'in_progress', retryAfterMs: 60 },
  },
  'completed, after notAfter': { record: completed, request: { notAfter: 0 }, reply: { kind: 'completed' } },
  'key_reused, after notAfter': {
    record: retryable,
    request: { notAfter: 0, fingerprint: 'v1:b' },
    reply: { kind: 'key_reused', version: 'v1' },
  },

  // absent, expired or removed
  absent: {
    record: null,
    reply: { ...firstAttempt, fencingToken: at, steps: new Map() },
    becomes: {
      state: 'in_progress',
      ownerToken: 'other',
      attempt: 1,
      fingerprint: 'v1:a',
      expiresAt: leaseEndAt + 1_000,
    },
  },
  'absent, fencing token seen': {
    record: null,
    request: { lastSeenFencingToken: at + 50 },
    reply: { ...firstAttempt, fencingToken: at + 51 },
    becomes: { fencingToken: at + 51 },
  },
  expired: {
    record: expired(unknown),
    reply: { ...firstAttempt, fencingToken: fencingToken + 1, steps: new Map() },
    becomes: { note: null, retryAt: null },
  },
  'expired, other payload': {
    record: expired(completed),
    request: { fingerprint: 'v1:b' },
    reply: firstAttempt,
    becomes: { outcome: null },
  },
  removed: {
    record: removed,
    reply: { ...firstAttempt, fencingToken: fencingToken + 1, steps: new Map() },
    becomes: { state: 'in_progress' },
  },

  // fingerprint differs (neither is null)
  'own, other payload': {
    record: running,
    request: { ...ownToken, fingerprint: 'v1:b' },
    reply: { kind: 'key_reused', version: 'v1' },
  },
  'alive, other payload': {
    record: running,
    request: { fingerprint: 'v2:a' },
    reply: { kind: 'key_reused', version: 'v1' },
  },
  'completed, other payload': { record: completed, request: { fingerprint: 'v1:b' }, reply: { kind: 'key_reused' } },
  'tombstone, other payload': { record: tombstone, request: { fingerprint: 'v1:b' }, reply: { kind: 'key_reused' } },
  'ended by this owner token, other payload': {
    record: retryable,
    request: { ...ownToken, fingerprint: 'v1:b' },
    reply: { kind: 'key_reused', version: 'v1' },
  },
  'alive, no fingerprint in the request': {
    record: running,
    request: { fingerprint: null },
    reply: { kind: 'in_progress' },
  },
  'alive, no fingerprint in the record': { record: { ...running, fingerprint: null }, reply: { kind: 'in_progress' } },

  // in_progress, same owner token
  'own, alive': {
    record: running,
    request: ownToken,
    reply: { ...firstAttempt, ...unchangedFacts },
    becomes: { leaseEndAt },
  },
  'own, alive, with a shorter leaseMs': {
    record: running,
    request: { ...ownToken, leaseMs: 1 },
    reply: { ...firstAttempt, ...unchangedFacts, leaseEndAt: at + 60 },
    becomes: { leaseEndAt: at + 60, leaseMs, expiresAt: running.expiresAt },
  },
  'own, the lease has ended': {
    record: abandoned,
    request: ownToken,
    reply: { ...firstAttempt, ...unchangedFacts },
    becomes: { leaseEndAt },
  },
  'own, guarded, the lease has ended': {
    record: guarded,
    request: { ...ownToken, ...recover },
    reply: { ...firstAttempt, ...unchangedFacts, guarded: true },
    becomes: { leaseEndAt, note: 'old note', recovering: false },
  },
  'own takeover, recovering': {
    record: { ...running, attempt: 3, takeover: true, recovering: true, guarded: true },
    request: ownToken,
    reply: { ...firstAttempt, ...unchangedFacts, attempt: 3, takeover: true, recovering: true, guarded: true },
    becomes: { leaseEndAt },
  },

  // in_progress, lease alive
  alive: { record: running, reply: { kind: 'in_progress', retryAfterMs: 60 } },
  'alive, recover': { record: { ...running, guarded: true }, request: recover, reply: { kind: 'in_progress' } },
  'alive for its last millisecond': {
    record: { ...running, leaseEndAt: at + 1 },
    reply: { kind: 'in_progress', retryAfterMs: 1 },
  },
  'alive, the clock stepped back': {
    record: { ...running, leaseEndAt: at + 9_999, expiresAt: at + 99_999 },
    reply: { kind: 'in_progress', retryAfterMs: leaseMs },
  },
};

test.each(Object.entries(rows))('acquire: %s', (_, row) => expectRow(row));
