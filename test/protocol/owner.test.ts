// The owner's verbs: what each makes of every record, for its own lease, for a stale one, and for one that the store lost.
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

const verbs = {
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
type Verb = keyof typeof verbs;

const all = Object.keys(verbs) as Verb[];

/** Answers per verb in the order of `verbs`; `=` in front: and the record is unchanged. */
const table: Record<string, { record: StoredRecord | null; by: Lease; answers: string }> = {
  'own, in progress': { record: running, by: lease(), answers: 'ok ok ok ok ok ok' },
  'own, abandoned': { record: abandoned, by: lease(), answers: 'ok ok ok ok ok ok' },
  'own, abandoned and guarded': { record: guarded, by: lease(), answers: 'ok ok ok ok ok ok' },
  'own, completed': { record: completed, by: lease(), answers: '=ok =lost =ok =lost =lost =lost' },
  'own, tombstone': { record: tombstone, by: lease(), answers: '=ok =lost =ok =lost =lost =lost' },
  'own, retryable': { record: retryable, by: lease(), answers: '=lost =lost =lost =ok =ok =ok' },
  'own, unknown': { record: unknown, by: lease(), answers: '=lost =lost =lost =ok =ok =ok' },
  'another token, same fencing token': {
    record: running,
    by: lease({ ownerToken: 'x' }),
    answers: '=lost =lost =lost =lost =lost =lost',
  },
  'own token, lower fencing token': {
    record: running,
    by: lease({ fencingToken: fencingToken - 1 }),
    answers: '=lost =lost =lost =lost =lost ok',
  },
  'own token, resolved as not done': {
    record: { ...retryable, fencingToken: fencingToken + 1 },
    by: lease(),
    answers: '=lost =lost =lost =lost =lost =ok',
  },
  'own token, resolved as done': {
    record: { ...completed, fencingToken: fencingToken + 1 },
    by: lease(),
    answers: '=lost =lost =lost =lost =lost =lost',
  },
  removed: { record: removed, by: lease(), answers: '=lost =lost =lost =lost =lost =lost' },
  'removed, lower fencing token': { record: removed, by: newerLease(), answers: '=lost =lost =lost =lost =lost =lost' },

  absent: { record: null, by: newerLease(), answers: 'restored =gone restored =gone =gone =gone' },
  'older copy, in progress': {
    record: running,
    by: newerLease(),
    answers: 'restored =gone restored =gone =gone =gone',
  },
  'older copy, abandoned and guarded': {
    record: guarded,
    by: newerLease(),
    answers: 'restored =gone restored =gone =gone =gone',
  },
  'older copy, retryable': {
    record: retryable,
    by: newerLease(),
    answers: 'restored =gone restored =gone =gone =gone',
  },
  'older copy, unknown': { record: unknown, by: newerLease(), answers: 'restored =gone restored =gone =gone =gone' },
  'completed of a lower fencing token': {
    record: completed,
    by: newerLease(),
    answers: '=lost =lost =lost =lost =lost =lost',
  },
  'tombstone of a lower fencing token': {
    record: tombstone,
    by: newerLease(),
    answers: '=lost =lost =lost =lost =lost =lost',
  },
  'own, gone': { record: expired(running), by: lease(), answers: 'restored =gone restored =gone =gone =gone' },
  'of a newer owner, gone': {
    record: expired(running),
    by: lease({ fencingToken: fencingToken - 1 }),
    answers: '=gone =gone =gone =gone =gone =gone',
  },
};

describe('the owner’s verbs', () => {
  test.each(Object.entries(table))('%s', (_, { record, by, answers }) => {
    const found = all.map((verb) => {
      const transition: Transition<{ kind: string }> = verbs[verb](record, by);
      return `${transition.record === record ? '=' : ''}${transition.reply.kind}`;
    });
    expect(found.join(' ')).toBe(answers);
  });

  const succeeded = Object.entries(records).map(
    ([name, record]) => [name, { ...record, ownerToken: 'newer', fencingToken: fencingToken + 1 }] as const,
  );
  test.each(succeeded)('of an owner that was succeeded change nothing: %s', (_, record) => {
    for (const verb of all) {
      const transition = verbs[verb](record, lease());
      expect(transition.reply.kind).toBe('lost');
      expect(transition.record).toBe(record);
    }
  });
});
