// The owner's operations on every record: with its own lease, with a stale one, and with one whose record the store lost.
import { describe, expect, test } from 'vitest';
import {
  checkpoint,
  complete,
  type Lease,
  release,
  renew,
  type StoredRecord,
  type Transition,
} from '../../packages/core/src/protocol/index.js';
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
  retryable,
  running,
  tombstone,
  unknown,
} from './builders.js';

const operations = {
  renew: (record: StoredRecord | null, by: Lease) => renew(record, by, 100, at),
  checkpoint: (record: StoredRecord | null, by: Lease) => {
    return checkpoint(record, by, { step: 'mail', seq: 1, bytes: bytes('sent') }, at);
  },
  complete: (record: StoredRecord | null, by: Lease) => complete(record, by, completion(), at),
  retryable: (record: StoredRecord | null, by: Lease) => release(record, by, { as: 'retryable' }, at),
  unknown: (record: StoredRecord | null, by: Lease) => {
    return release(record, by, { as: 'unknown', retryAfterMs: 9, note: 'why' }, at);
  },
  notStarted: (record: StoredRecord | null, by: Lease) => release(record, by, { as: 'not_started' }, at),
} as const;
type Operation = keyof typeof operations;

const names = Object.keys(operations) as Operation[];

/** The reply of each operation, in the order of `operations`. A `=` in front means that the record is unchanged. */
const table: Record<string, { record: StoredRecord | null; by: Lease; replies: string }> = {
  'own, in progress': { record: running, by: lease(), replies: 'ok ok ok ok ok ok' },
  'own, abandoned': { record: abandoned, by: lease(), replies: 'ok ok ok ok ok ok' },
  'own, abandoned and guarded': { record: guarded, by: lease(), replies: 'ok ok ok ok ok ok' },
  'own, completed': { record: completed, by: lease(), replies: '=ok =lost =ok =lost =lost =lost' },
  'own, tombstone': { record: tombstone, by: lease(), replies: '=ok =lost =ok =lost =lost =lost' },
  'own, retryable': { record: retryable, by: lease(), replies: '=lost =lost =lost =ok =ok =ok' },
  'own, unknown': { record: unknown, by: lease(), replies: '=lost =lost =lost =ok =ok =ok' },
  'another token, same fencing token': {
    record: running,
    by: lease({ ownerToken: 'x' }),
    replies: '=lost =lost =lost =lost =lost =lost',
  },
  'own token, lower fencing token': {
    record: running,
    by: lease({ fencingToken: fencingToken - 1 }),
    replies: '=lost =lost =lost =lost =lost ok',
  },
  'own token, resolved as not done': {
    record: { ...retryable, fencingToken: fencingToken + 1 },
    by: lease(),
    replies: '=lost =lost =lost =lost =lost =ok',
  },
  'own token, resolved as done': {
    record: { ...completed, fencingToken: fencingToken + 1 },
    by: lease(),
    replies: '=lost =lost =lost =lost =lost =lost',
  },
  removed: { record: removed, by: lease(), replies: '=lost =lost =lost =lost =lost =lost' },
  'removed, lower fencing token': { record: removed, by: newerLease(), replies: '=lost =lost =lost =lost =lost =lost' },

  absent: { record: null, by: newerLease(), replies: 'restored =gone restored =gone =gone =gone' },
  'older copy, in progress': {
    record: running,
    by: newerLease(),
    replies: 'restored =gone restored =gone =gone =gone',
  },
  'older copy, abandoned and guarded': {
    record: guarded,
    by: newerLease(),
    replies: 'restored =gone restored =gone =gone =gone',
  },
  'older copy, retryable': {
    record: retryable,
    by: newerLease(),
    replies: 'restored =gone restored =gone =gone =gone',
  },
  'older copy, unknown': { record: unknown, by: newerLease(), replies: 'restored =gone restored =gone =gone =gone' },
  'completed of a lower fencing token': {
    record: completed,
    by: newerLease(),
    replies: '=lost =lost =lost =lost =lost =lost',
  },
  'tombstone of a lower fencing token': {
    record: tombstone,
    by: newerLease(),
    replies: '=lost =lost =lost =lost =lost =lost',
  },
  'own, gone': { record: expired(running), by: lease(), replies: 'restored =gone restored =gone =gone =gone' },
  'of a newer owner, gone': {
    record: expired(running),
    by: lease({ fencingToken: fencingToken - 1 }),
    replies: '=gone =gone =gone =gone =gone =gone',
  },
};

describe('the owner’s operations', () => {
  test.each(Object.entries(table))('%s', (_, { record, by, replies }) => {
    const actual = names.map((name) => {
      const transition: Transition<{ kind: string }> = operations[name](record, by);
      return `${transition.record === record ? '=' : ''}${transition.reply.kind}`;
    });
    expect(actual.join(' ')).toBe(replies);
  });

  const succeeded = Object.entries(records).map(
    ([name, record]) => [name, { ...record, ownerToken: 'newer', fencingToken: fencingToken + 1 }] as const,
  );
  test.each(succeeded)('of a stale owner change nothing: %s', (_, record) => {
    for (const name of names) {
      const transition = operations[name](record, lease());
      expect(transition.reply.kind).toBe('lost');
      expect(transition.record).toBe(record);
    }
  });
});
