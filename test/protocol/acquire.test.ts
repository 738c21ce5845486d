// The transition table of acquire, first part: too late, new, another payload, one's own, and alive.
import { test } from 'vitest';
import { expectRow, first, leaseEndAt, mine, type Row, recover, stays } from './acquire-rows.js';
import {
  abandoned,
  at,
  completed,
  fence,
  gone,
  guarded,
  leaseMs,
  removed,
  retryable,
  running,
  tombstone,
  unknown,
} from './builders.js';

const rows: Record<string, Row> = {
  // would be created or changed, but now > notAfter
  'absent, too late': { record: null, request: { notAfter: at - 1 }, answer: { kind: 'superseded' } },
  'gone, too late': { record: gone(running), request: { notAfter: at - 1 }, answer: { kind: 'superseded' } },
  'own, too late': { record: running, request: { ...mine, notAfter: at - 1 }, answer: { kind: 'superseded' } },
  'abandoned, too late': { record: abandoned, request: { notAfter: at - 1 }, answer: { kind: 'superseded' } },
  'guarded, recover, too late': {
    record: guarded,
    request: { ...recover, notAfter: 0 },
    answer: { kind: 'superseded' },
  },
  'retryable, too late': { record: retryable, request: { notAfter: at - 1 }, answer: { kind: 'superseded' } },
  'alive, too late to matter': {
    record: running,
    request: { notAfter: 0 },
    answer: { kind: 'in_progress', retryAfterMs: 60 },
  },
  'completed, too late to matter': { record: completed, request: { notAfter: 0 }, answer: { kind: 'completed' } },
  'mismatch, too late to matter': {
    record: retryable,
    request: { notAfter: 0, fingerprint: 'v1:b' },
    answer: { kind: 'mismatch', version: 'v1' },
  },

  // absent or gone
  absent: {
    record: null,
    answer: { ...first, fence: at, steps: new Map() },
    becomes: { state: 'in_progress', token: 'other', attempt: 1, fingerprint: 'v1:a', expiresAt: leaseEndAt + 1_000 },
  },
  'absent, fencing token seen': {
    record: null,
    request: { fenceSeen: at + 50 },
    answer: { ...first, fence: at + 51 },
    becomes: { fence: at + 51 },
  },
  gone: {
    record: gone(unknown),
    answer: { ...first, fence: fence + 1, steps: new Map() },
    becomes: { note: null, retryAt: null },
  },
  'gone, other payload': {
    record: gone(completed),
    request: { fingerprint: 'v1:b' },
    answer: first,
    becomes: { outcome: null },
  },
  removed: {
    record: removed,
    answer: { ...first, fence: fence + 1, steps: new Map() },
    becomes: { state: 'in_progress' },
  },

  // fingerprint differs (neither is null)
  'own, other payload': {
    record: running,
    request: { ...mine, fingerprint: 'v1:b' },
    answer: { kind: 'mismatch', version: 'v1' },
  },
  'alive, other payload': {
    record: running,
    request: { fingerprint: 'v2:a' },
    answer: { kind: 'mismatch', version: 'v1' },
  },
  'completed, other payload': { record: completed, request: { fingerprint: 'v1:b' }, answer: { kind: 'mismatch' } },
  'tombstone, other payload': { record: tombstone, request: { fingerprint: 'v1:b' }, answer: { kind: 'mismatch' } },
  'finished by this token, other payload': {
    record: retryable,
    request: { ...mine, fingerprint: 'v1:b' },
    answer: { kind: 'mismatch', version: 'v1' },
  },
  'alive, no payload told': { record: running, request: { fingerprint: null }, answer: { kind: 'in_progress' } },
  'alive, no payload kept': { record: { ...running, fingerprint: null }, answer: { kind: 'in_progress' } },

  // in_progress, same token
  'own, alive': { record: running, request: mine, answer: { ...first, ...stays }, becomes: { leaseEndAt } },
  'own, alive, asks for less': {
    record: running,
    request: { ...mine, leaseMs: 1 },
    answer: { ...first, ...stays, leaseEndAt: at + 60 },
    becomes: { leaseEndAt: at + 60, leaseMs, expiresAt: running.expiresAt },
  },
  'own, lease over': { record: abandoned, request: mine, answer: { ...first, ...stays }, becomes: { leaseEndAt } },
  'own, guarded, lease over': {
    record: guarded,
    request: { ...mine, ...recover },
    answer: { ...first, ...stays, guarded: true },
    becomes: { leaseEndAt, note: 'old note', recovering: false },
  },
  'own takeover, recovering': {
    record: { ...running, attempt: 3, takeover: true, recovering: true, guarded: true },
    request: mine,
    answer: { ...first, ...stays, attempt: 3, takeover: true, recovering: true, guarded: true },
    becomes: { leaseEndAt },
  },

  // in_progress, lease alive
  alive: { record: running, answer: { kind: 'in_progress', retryAfterMs: 60 } },
  'alive, recover': { record: { ...running, guarded: true }, request: recover, answer: { kind: 'in_progress' } },
  'alive for its last millisecond': {
    record: { ...running, leaseEndAt: at + 1 },
    answer: { kind: 'in_progress', retryAfterMs: 1 },
  },
  'alive, the clock stepped back': {
    record: { ...running, leaseEndAt: at + 9_999, expiresAt: at + 99_999 },
    answer: { kind: 'in_progress', retryAfterMs: leaseMs },
  },
};

test.each(Object.entries(rows))('acquire: %s', (_, row) => expectRow(row));
