// The protocol with one clause of acquire, resolve or remove taken away: each must be found by the histories.
import { acquire, remove, resolve, type StoredRecord } from '../../../packages/core/src/protocol/index.js';
import type { Protocol } from './message.js';

type Acquire = Protocol['acquire'];
type Request = Parameters<Acquire>[1];

const finished = (record: StoredRecord): boolean => record.state === 'retryable' || record.state === 'unknown';
const never = Number.MAX_SAFE_INTEGER;

/** Sees another request. */
const asked = (change: (request: Request) => Partial<Request>): Partial<Protocol> => ({
  acquire: (record, request, now) => acquire(record, { ...request, ...change(request) }, now),
});

/** Sees another record, as long as there is one. */
const seen = (
  change: (record: StoredRecord, request: Request, now: number) => StoredRecord | null,
): Partial<Protocol> => ({
  acquire: (record, request, now) => {
    const shown = record !== null && now < record.expiresAt ? change(record, request, now) : record;
    const transition = acquire(shown, request, now);
    return transition.record === shown ? { ...transition, record } : transition;
  },
});

/** Writes another record when it acquires, and says so. */
const written = (
  change: (after: StoredRecord, before: StoredRecord | null, request: Request) => Partial<StoredRecord>,
) => ({
  acquire: ((before, request, now) => {
    const { record, answer } = acquire(before, request, now);
    if (answer.kind !== 'acquired' || record === null) return { record, answer };
    const after = { ...record, ...change(record, before, request) };
    const { fence, attempt, takeover, recovering, guarded, bound, leaseEndAt, steps } = after;
    const facts = { fence, attempt, takeover, recovering, guarded, bound, leaseEndAt, steps };
    return { record: after, answer: { ...answer, ...facts } };
  }) satisfies Acquire,
});

export const brokenAcquire: Readonly<Record<string, Partial<Protocol>>> = {
  'a late copy executes': asked(() => ({ notAfter: never })),
  'what must not change is superseded too': {
    acquire: (record, request, now) => {
      if (now > request.notAfter) return { record, answer: { kind: 'superseded', now } };
      const transition = acquire(record, request, now);
      if (transition.answer.kind !== 'in_progress') return transition;
      return { record, answer: { kind: 'superseded', now } };
    },
  },
  'a copy of what was released executes': seen((record, { token }) => {
    return finished(record) && record.token === token ? { ...record, token: 'nobody' } : record;
  }),
  'a resent acquisition is a stranger': seen((record, { token }) => {
    return record.state === 'in_progress' && record.token === token ? { ...record, token: 'nobody' } : record;
  }),
  'a resent acquisition is a new attempt': written((after, before) => {
    return before?.token === after.token ? { attempt: before.attempt + 1 } : {};
  }),
  'a lease that is alive is taken over': seen((record, { token }) => {
    return record.token === token ? record : { ...record, leaseEndAt: 0 };
  }),
  'the policy of the next caller undoes guarded': seen((record, { token, onAbandoned }) => {
    return record.token === token ? record : { ...record, guarded: onAbandoned === 'block' };
  }),
  'guarded is inherited': written((after, before) => ({ guarded: after.guarded || before?.guarded === true })),
  'an unknown outcome is run by anyone': seen((record) => {
    return record.state === 'unknown' ? { ...record, state: 'retryable' } : record;
  }),
  'recover does not wait': seen((record) => ({ ...record, retryAt: null })),
  'recovering is not said': written(() => ({ recovering: false })),
  'a takeover is not said': written(() => ({ takeover: false })),
  'fencing tokens count from one': written((after, before) => {
    return before?.token === after.token ? {} : { fence: (before?.fence ?? 0) + 1 };
  }),
  'a takeover keeps the fencing token': written((after, before) => ({ fence: before?.fence ?? after.fence })),
  'the fencing token that a caller has seen is ignored': asked(() => ({ fenceSeen: 0 })),
  'attempts start anew': written(() => ({ attempt: 1 })),
  'an acquisition shortens the life': written(({ leaseEndAt }, _, request) => ({
    expiresAt: leaseEndAt + request.recordTtlMs,
  })),
  'a resent acquisition shortens the lease': written((after, before, { leaseMs }) => {
    return before?.token === after.token ? { leaseEndAt: after.expiresAt - 1 - leaseMs } : {};
  }),
  'guarded records live no longer than others': asked(() => ({ unknownTtlMs: 1 })),
  'a tombstone reads as absent': seen((record, _, now) => {
    return record.state === 'completed' && now >= record.outcomeEndAt ? null : record;
  }),
  'payloads are not compared': asked(() => ({ fingerprint: null })),
  'a caller without a payload makes the record forget its own': written((_, __, { fingerprint }) => ({ fingerprint })),
  'bound is not said': written(() => ({ bound: false })),
  'bound is said of a payload of its own': written(() => ({ bound: true })),
  'steps are lost when somebody takes over': written((after, before) => {
    return before?.token === after.token ? {} : { steps: new Map() };
  }),
  'the wait is not capped at the length of a lease': {
    acquire: (record, request, now) => {
      const { record: after, answer } = acquire(record, request, now);
      if (answer.kind !== 'in_progress') return { record: after, answer };
      return { record: after, answer: { ...answer, retryAfterMs: (record?.leaseEndAt ?? 0) - now } };
    },
  },

  'a lease that is alive is resolved': {
    resolve: (record, request, now) => {
      const transition = resolve(record && { ...record, leaseEndAt: 0 }, request, now);
      return transition.answer.kind === 'ok' ? transition : { ...transition, record };
    },
  },
  'a decision does not raise the fencing token': {
    resolve: (before, request, now) => {
      const { record, answer } = resolve(before, request, now);
      return { record: record && { ...record, fence: before?.fence ?? 0 }, answer };
    },
  },
  'a decision ignores the fencing token': {
    resolve: (record, request, now) => resolve(record, { ...request, expectFence: record?.fence ?? 0 }, now),
  },
  'a decision sent again is a conflict': {
    resolve: (before, request, now) => {
      const { record, answer } = resolve(before, request, now);
      return { record: record && { ...record, decisions: [] }, answer };
    },
  },
  'another decision is taken for the same': {
    resolve: (record, request, now) => {
      const last = record?.decisions.at(-1);
      const as = last?.as ?? request.as;
      return last?.fence === request.expectFence
        ? resolve(record, { ...request, as }, now)
        : resolve(record, request, now);
    },
  },
  'a decision shortens the life': {
    resolve: (before, request, now) => {
      const { record, answer } = resolve(before, request, now);
      const expiresAt = record === before ? (before?.expiresAt ?? 0) : now + (request.recordTtlMs ?? 1);
      return { record: record && { ...record, expiresAt }, answer };
    },
  },
  'a decision does not keep the outcome as long as the terms say': {
    resolve: (before, request, now) => {
      const { record, answer } = resolve(before, request, now);
      if (record === before || record?.state !== 'completed') return { record, answer };
      return { record: { ...record, outcomeEndAt: now + 1 }, answer };
    },
  },
  'a decision does not lengthen the life': {
    resolve: (record, request, now) => resolve(record, { ...request, recordTtlMs: null, outcomeTtlMs: null }, now),
  },
  'a decision forgets those before': {
    resolve: (before, request, now) => {
      const { record, answer } = resolve(before, request, now);
      return { record: record && { ...record, decisions: record.decisions.slice(-1) }, answer };
    },
  },
  'an attempt forgets decisions': written(() => ({ decisions: [] })),
  'work that was not done keeps its steps in doubt': {
    resolve: (before, request, now) => {
      const { record, answer } = resolve(before, request, now);
      return { record: record && { ...record, steps: before?.steps ?? new Map() }, answer };
    },
  },
  'work that was not done loses the steps that were': {
    resolve: (before, request, now) => {
      const { record, answer } = resolve(before, request, now);
      return { record: record && { ...record, steps: record === before ? record.steps : new Map() }, answer };
    },
  },
  'a removed record forgets its fencing token': { remove: () => null },
  'remove does nothing': { remove: (record) => record },
  'remove leaves the token': {
    remove: (record, now) => record && { ...record, ...remove(record, now), token: record.token, state: 'retryable' },
  },
};
