// A message that arrives twice in a row has the same reply and effect as once. A later copy changes nothing that its sender does not own.
import { describe, expect, test } from 'vitest';
import {
  acquire,
  checkpoint,
  complete,
  release,
  remove,
  renew,
  resolve,
  type StoredRecord,
  type Transition,
} from '../../packages/core/src/protocol/index.js';
import {
  abandoned,
  at,
  bytes,
  completion,
  decision,
  guarded,
  lease,
  newerLease,
  request,
  retryable,
  running,
  unknown,
} from './builders.js';

type Send = (record: StoredRecord | null, now: number) => Transition<{ readonly kind: string }>;

const recover = { onAbandoned: 'recover', notAfter: at + 50 } as const;
const step = { step: 'mail', seq: 1, bytes: bytes('sent') };

const messages: Record<string, { from: StoredRecord | null; send: Send; second?: string }> = {
  'acquire an absent key': { from: null, send: (r, now) => acquire(r, request({ notAfter: at + 50 }), now) },
  'acquire an abandoned one': { from: abandoned, send: (r, now) => acquire(r, request({ notAfter: at + 50 }), now) },
  'acquire to recover': { from: guarded, send: (r, now) => acquire(r, request(recover), now) },
  'acquire a retryable one': { from: retryable, send: (r, now) => acquire(r, request({ notAfter: at + 50 }), now) },
  'acquire a running one': { from: running, send: (r, now) => acquire(r, request(), now) },
  renew: { from: running, send: (r, now) => renew(r, lease(), 100, now) },
  'renew a lost record': { from: null, send: (r, now) => renew(r, newerLease(), 100, now), second: 'ok' },
  checkpoint: { from: running, send: (r, now) => checkpoint(r, lease(), step, now) },
  complete: { from: running, send: (r, now) => complete(r, lease(), completion(), now) },
  'complete a lost record': {
    from: null,
    send: (r, now) => complete(r, newerLease(), completion(), now),
    second: 'ok',
  },
  'release as retryable': { from: running, send: (r, now) => release(r, lease(), { as: 'retryable' }, now) },
  'release as unknown': {
    from: running,
    send: (r, now) => release(r, lease(), { as: 'unknown', retryAfterMs: 5, note: null }, now),
  },
  'release as not_started': {
    from: running,
    send: (r, now) => release(r, { ...lease(), fencingToken: null }, { as: 'not_started' }, now),
  },
  'resolve as done': { from: unknown, send: (r, now) => resolve(r, decision({ as: 'done' }), now) },
  'resolve as not done': { from: unknown, send: (r, now) => resolve(r, decision(), now) },
};

describe('sent twice in a row', () => {
  test.each(Object.entries(messages))('%s', (_, { from, send, second }) => {
    const once = send(from, at);
    const twice = send(once.record, at);
    const { kind, ...rest } = once.reply;
    expect(twice.reply).toEqual({ kind: second ?? kind, ...rest });
    expect(twice.record).toEqual(once.record);
  });

  test.each(Object.entries(messages))(
    'with time in between, only the lease and the lifetime may be longer: %s',
    (_, { from, send }) => {
      const once = send(from, at).record;
      const twice = send(once, at + 20).record;
      const { leaseEndAt, expiresAt, ...fixed } = once ?? running;
      expect(twice).toMatchObject(fixed);
      expect(twice?.leaseEndAt).toBeGreaterThanOrEqual(leaseEndAt);
      expect(twice?.expiresAt).toBeGreaterThanOrEqual(expiresAt);
    },
  );
});

/** What may have happened between a message and its late copy. Each event ends the sender's lease. */
const eventsBetween: Record<string, (record: StoredRecord | null, now: number) => StoredRecord | null> = {
  'somebody took over': (record, now) => acquire(record, takeoverRequest(now), now).record,
  'somebody took over and completed': (record, now) => {
    const taken = acquire(record, takeoverRequest(now), now).record;
    if (taken?.state !== 'in_progress') return taken;
    return complete(taken, lease({ ownerToken: 'taker', fencingToken: taken.fencingToken }), completion(), now).record;
  },
  'it was removed': (record, now) => remove(record, now),
};

describe('sent again later, a copy changes nothing', () => {
  const owned = Object.entries(messages).filter(
    ([name]) => !name.startsWith('acquire') && !name.includes('lost record'),
  );
  for (const [event, happen] of Object.entries(eventsBetween)) {
    test.each(owned)(`after ${event}: %s`, (_, { from, send }) => {
      const after = happen(send(from, at).record, at + 1_000);
      expect(send(after, at + 1_001).record).toBe(after);
    });
  }

  test('of an acquisition that has ended, whoever acquired after it', () => {
    const ownRequest = request({ ownerToken: 'mine', onAbandoned: 'recover', notAfter: at + 10_000 });
    const mine = acquire(null, ownRequest, at).record;
    const ends: readonly (StoredRecord | null)[] = [
      release(mine, { ...lease(), fencingToken: null }, { as: 'not_started' }, at + 1).record,
      complete(mine, lease({ fencingToken: mine?.fencingToken ?? 0 }), completion(), at + 1).record,
      release(
        mine,
        lease({ fencingToken: mine?.fencingToken ?? 0 }),
        { as: 'unknown', retryAfterMs: null, note: null },
        at + 1,
      ).record,
    ];
    for (const ended of ends) {
      expect(ended?.state).not.toBe('in_progress');
      expect(acquire(ended, ownRequest, at + 2).record).toBe(ended);
      const taken = acquire(ended, takeoverRequest(at + 2), at + 2).record;
      expect(acquire(taken, ownRequest, at + 3).record).toBe(taken);
    }
  });
});

function takeoverRequest(now: number) {
  return request({ ownerToken: 'taker', onAbandoned: 'recover', notAfter: now });
}
