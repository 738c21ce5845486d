// Mutations of the protocol: in each, one clause of acquire, resolve or remove is missing. The random histories must detect each.
import {
  acquire,
  attemptFacts,
  remove,
  resolve,
  type StoredRecord,
} from '../../../packages/core/src/protocol/index.js';
import type { Protocol } from './message.js';

type Acquire = Protocol['acquire'];
type Request = Parameters<Acquire>[1];

const isFinished = (record: StoredRecord): boolean => record.state === 'retryable' || record.state === 'unknown';
const never = Number.MAX_SAFE_INTEGER;

/** Passes a changed request to acquire. */
const withChangedRequest = (change: (request: Request) => Partial<Request>): Partial<Protocol> => ({
  acquire: (record, request, now) => acquire(record, { ...request, ...change(request) }, now),
});

/** Passes a changed record to acquire if the record has not expired. */
const withChangedRecord = (
  change: (record: StoredRecord, request: Request, now: number) => StoredRecord | null,
): Partial<Protocol> => ({
  acquire: (record, request, now) => {
    const changed = record !== null && now < record.expiresAt ? change(record, request, now) : record;
    const transition = acquire(changed, request, now);
    return transition.record === changed ? { ...transition, record } : transition;
  },
});

/** Changes the record and the reply of a granted acquire. */
const withChangedResult = (
  change: (after: StoredRecord, before: StoredRecord | null, request: Request) => Partial<StoredRecord>,
) => ({
  acquire: ((before, request, now) => {
    const { record, reply } = acquire(before, request, now);
    if (reply.kind !== 'acquired' || record === null) return { record, reply };
    const after = { ...record, ...change(record, before, request) };
    const { leaseEndAt, steps } = after;
    return { record: after, reply: { ...reply, ...attemptFacts(after), leaseEndAt, steps } };
  }) satisfies Acquire,
});

export const brokenAcquire: Readonly<Record<string, Partial<Protocol>>> = {
  'a late copy executes': withChangedRequest(() => ({ notAfter: never })),
  'an acquire that changes nothing is superseded too': {
    acquire: (record, request, now) => {
      if (now > request.notAfter) return { record, reply: { kind: 'superseded', now } };
      const transition = acquire(record, request, now);
      if (transition.reply.kind !== 'in_progress') return transition;
      return { record, reply: { kind: 'superseded', now } };
    },
  },
  'a copy of a released acquisition executes': withChangedRecord((record, { ownerToken }) => {
    return isFinished(record) && record.ownerToken === ownerToken ? { ...record, ownerToken: 'nobody' } : record;
  }),
  'a resent acquisition is taken for another one': withChangedRecord((record, { ownerToken }) => {
    return record.state === 'in_progress' && record.ownerToken === ownerToken
      ? { ...record, ownerToken: 'nobody' }
      : record;
  }),
  'a resent acquisition starts a new attempt': withChangedResult((after, before) => {
    return before?.ownerToken === after.ownerToken ? { attempt: before.attempt + 1 } : {};
  }),
  'a lease that is alive is taken over': withChangedRecord((record, { ownerToken }) => {
    return record.ownerToken === ownerToken ? record : { ...record, leaseEndAt: 0 };
  }),
  'the policy of the next caller undoes guarded': withChangedRecord((record, { ownerToken, onAbandoned }) => {
    return record.ownerToken === ownerToken ? record : { ...record, guarded: onAbandoned === 'block' };
  }),
  'guarded is inherited': withChangedResult((after, before) => ({
    guarded: after.guarded || before?.guarded === true,
  })),
  'anyone may run after an unknown outcome': withChangedRecord((record) => {
    return record.state === 'unknown' ? { ...record, state: 'retryable' } : record;
  }),
  'recover does not wait': withChangedRecord((record) => ({ ...record, retryAt: null })),
  'recovering is never set': withChangedResult(() => ({ recovering: false })),
  'takeover is never set': withChangedResult(() => ({ takeover: false })),
  'fencing tokens count from one': withChangedResult((after, before) => {
    return before?.ownerToken === after.ownerToken ? {} : { fencingToken: (before?.fencingToken ?? 0) + 1 };
  }),
  'a takeover keeps the fencing token': withChangedResult((after, before) => ({
    fencingToken: before?.fencingToken ?? after.fencingToken,
  })),
  'the fencing token that a caller has seen is ignored': withChangedRequest(() => ({ lastSeenFencingToken: 0 })),
  'attempts are not counted': withChangedResult(() => ({ attempt: 1 })),
  'an acquisition shortens the lifetime': withChangedResult(({ leaseEndAt }, _, request) => ({
    expiresAt: leaseEndAt + request.recordTtlMs,
  })),
  'a resent acquisition shortens the lease': withChangedResult((after, before, { leaseMs }) => {
    return before?.ownerToken === after.ownerToken ? { leaseEndAt: after.expiresAt - 1 - leaseMs } : {};
  }),
  'guarded records are kept no longer than others': withChangedRequest(() => ({ unknownTtlMs: 1 })),
  'a tombstone reads as absent': withChangedRecord((record, _, now) => {
    return record.state === 'completed' && now >= record.outcomeEndAt ? null : record;
  }),
  'fingerprints are not compared': withChangedRequest(() => ({ fingerprint: null })),
  'a request without a fingerprint removes that of the record': withChangedResult((_, __, { fingerprint }) => ({
    fingerprint,
  })),
  'fingerprintBound is never set': withChangedResult(() => ({ fingerprintBound: false })),
  'fingerprintBound is always set': withChangedResult(() => ({ fingerprintBound: true })),
  'the operation of the first attempt stays': withChangedResult((after, before) => ({
    operation: before?.operation || after.operation,
  })),
  'an attempt without a label drops that of the record': withChangedResult((_, __, { label }) => ({ label })),
  'the label of the first attempt stays': withChangedResult((after, before) => ({
    label: before?.label ?? after.label,
  })),
  'a recovery without a trace drops that of the attempt': withChangedResult((_, __, { traceparent }) => ({
    traceparent,
  })),
  'a retry without a trace keeps that of the attempt before': withChangedResult((after, before) => ({
    traceparent: after.traceparent ?? before?.traceparent ?? null,
  })),
  'every attempt is the first in time': withChangedResult(({ acquiredAt }) => ({ firstAcquiredAt: acquiredAt })),
  'a later attempt keeps the time of the first': withChangedResult(({ firstAcquiredAt }) => ({
    acquiredAt: firstAcquiredAt,
  })),
  'a takeover drops the steps': withChangedResult((after, before) => {
    return before?.ownerToken === after.ownerToken ? {} : { steps: new Map() };
  }),
  'the wait is not capped at the length of a lease': {
    acquire: (record, request, now) => {
      const { record: after, reply } = acquire(record, request, now);
      if (reply.kind !== 'in_progress') return { record: after, reply };
      return { record: after, reply: { ...reply, retryAfterMs: (record?.leaseEndAt ?? 0) - now } };
    },
  },

  'a lease that is alive is resolved': {
    resolve: (record, request, now) => {
      const transition = resolve(record && { ...record, leaseEndAt: 0 }, request, now);
      return transition.reply.kind === 'ok' ? transition : { ...transition, record };
    },
  },
  'a decision does not raise the fencing token': {
    resolve: (before, request, now) => {
      const { record, reply } = resolve(before, request, now);
      return { record: record && { ...record, fencingToken: before?.fencingToken ?? 0 }, reply };
    },
  },
  'a decision ignores the fencing token': {
    resolve: (record, request, now) =>
      resolve(record, { ...request, expectedFencingToken: record?.fencingToken ?? 0 }, now),
  },
  'a decision sent again is a conflict': {
    resolve: (before, request, now) => {
      const { record, reply } = resolve(before, request, now);
      return { record: record && { ...record, decisions: [] }, reply };
    },
  },
  'an opposite decision is taken for the same one': {
    resolve: (record, request, now) => {
      const last = record?.decisions.at(-1);
      const as = last?.as ?? request.as;
      return last?.fencingToken === request.expectedFencingToken
        ? resolve(record, { ...request, as }, now)
        : resolve(record, request, now);
    },
  },
  'the same decision of another person is taken for a repeated one': {
    resolve: (record, request, now) => {
      const last = record?.decisions.at(-1);
      const { by, reason } = last?.as === request.as ? last : request;
      const asIfSent = resolve(record, { ...request, by, reason }, now);
      return asIfSent.record === record ? asIfSent : resolve(record, request, now);
    },
  },
  'a decision shortens the lifetime': {
    resolve: (before, request, now) => {
      const { record, reply } = resolve(before, request, now);
      const expiresAt = record === before ? (before?.expiresAt ?? 0) : now + (request.recordTtlMs ?? 1);
      return { record: record && { ...record, expiresAt }, reply };
    },
  },
  'a decision ignores the retention of the outcome': {
    resolve: (before, request, now) => {
      const { record, reply } = resolve(before, request, now);
      if (record === before || record?.state !== 'completed') return { record, reply };
      return { record: { ...record, outcomeEndAt: now + 1 }, reply };
    },
  },
  'a decision never extends the lifetime': {
    resolve: (record, request, now) => resolve(record, { ...request, recordTtlMs: null, outcomeTtlMs: null }, now),
  },
  'a decision drops the earlier ones': {
    resolve: (before, request, now) => {
      const { record, reply } = resolve(before, request, now);
      return { record: record && { ...record, decisions: record.decisions.slice(-1) }, reply };
    },
  },
  'an attempt drops decisions': withChangedResult(() => ({ decisions: [] })),
  'not_done keeps steps in doubt': {
    resolve: (before, request, now) => {
      const { record, reply } = resolve(before, request, now);
      return { record: record && { ...record, steps: before?.steps ?? new Map() }, reply };
    },
  },
  'not_done drops the results of steps': {
    resolve: (before, request, now) => {
      const { record, reply } = resolve(before, request, now);
      return { record: record && { ...record, steps: record === before ? record.steps : new Map() }, reply };
    },
  },
  'remove drops the fencing token': { remove: () => null },
  'remove has no effect': { remove: (record) => record },
  'remove keeps the owner token': {
    remove: (record, now) =>
      record && { ...record, ...remove(record, now), ownerToken: record.ownerToken, state: 'retryable' },
  },
};
