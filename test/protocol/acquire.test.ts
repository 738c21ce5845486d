// The transition table of acquire, first part: too late, new, another payload, one's own, and alive.
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
  'gone, too late': { record: expired(running), request: { notAfter: at - 1 }, reply: { kind: 'superseded' } },
  'own, too late': { record: running, request: { ...ownToken, notAfter: at - 1 }, reply: { kind: 'superseded' } },
  'abandoned, too late': { record: abandoned, request: { notAfter: at - 1 }, reply: { kind: 'superseded' } },
  'guarded, recover, too late': {
    record: guarded,
    request: { ...recover, notAfter: 0 },
    reply: { kind: 'superseded' },
  },
  'retryable, too late': { record: retryable, request: { notAfter: at - 1 }, reply: { kind: 'superseded' } },
  'alive, too late to matter': {
    record: running,
    request: { notAfter: 0 },
    reply: { kind: 'in_progress', retryAfterMs: 60 },
  },
  'completed, too late to matter': { record: completed, request: { notAfter: 0 }, reply: { kind: 'completed' } },
  'mismatch, too late to matter': {
    record: retryable,
    request: { notAfter: 0, fingerprint: 'v1:b' },
    reply: { kind: 'key_reused', version: 'v1' },
  },

  // absent or gone
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
  gone: {
    record: expired(unknown),
    reply: { ...firstAttempt, fencingToken: fencingToken + 1, steps: new Map() },
    becomes: { note: null, retryAt: null },
  },
  'gone, other payload': {
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
  'finished by this token, other payload': {
    record: retryable,
    request: { ...ownToken, fingerprint: 'v1:b' },
    reply: { kind: 'key_reused', version: 'v1' },
  },
  'alive, no payload told': { record: running, request: { fingerprint: null }, reply: { kind: 'in_progress' } },
  'alive, no payload kept': { record: { ...running, fingerprint: null }, reply: { kind: 'in_progress' } },

  // in_progress, same token
  'own, alive': {
    record: running,
    request: ownToken,
    reply: { ...firstAttempt, ...unchangedFacts },
    becomes: { leaseEndAt },
  },
  'own, alive, asks for less': {
    record: running,
    request: { ...ownToken, leaseMs: 1 },
    reply: { ...firstAttempt, ...unchangedFacts, leaseEndAt: at + 60 },
    becomes: { leaseEndAt: at + 60, leaseMs, expiresAt: running.expiresAt },
  },
  'own, lease over': {
    record: abandoned,
    request: ownToken,
    reply: { ...firstAttempt, ...unchangedFacts },
    becomes: { leaseEndAt },
  },
  'own, guarded, lease over': {
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
