// Mutations of the protocol: in each, one clause of renew, checkpoint or complete is missing. The random histories must detect
// each.
import {
  checkpoint,
  complete,
  type Lease,
  renew,
  type StoredRecord,
} from '../../../packages/core/src/protocol/index.js';
import type { Protocol } from './message.js';

type Change = (record: StoredRecord, lease: Lease, now: number) => StoredRecord | null;

const never = Number.MAX_SAFE_INTEGER;
const hasExpired = (record: StoredRecord, now: number): boolean => now >= record.expiresAt;
const hasLowerFencingToken = (record: StoredRecord, lease: Lease): boolean => record.fencingToken < lease.fencingToken;
const isReleased = (record: StoredRecord): boolean => record.state === 'retryable' || record.state === 'unknown';

/** The verb, changed another record; what it does not change stays as it really is. */
const renewWith = (change: Change): Partial<Protocol> => ({
  renew: (record, lease, leaseMs, now) => {
    const changed = record && change(record, lease, now);
    const transition = renew(changed, lease, leaseMs, now);
    return transition.record === changed ? { ...transition, record } : transition;
  },
});
const completeWith = (change: Change): Partial<Protocol> => ({
  complete: (record, lease, completion, now) => {
    const changed = record && change(record, lease, now);
    const transition = complete(changed, lease, completion, now);
    return transition.record === changed ? { ...transition, record } : transition;
  },
});

const ownedByToken: Change = (record, { ownerToken, fencingToken }) =>
  record.ownerToken === ownerToken ? { ...record, fencingToken } : record;
const ownedByFencingToken: Change = (record, { ownerToken, fencingToken }) =>
  record.fencingToken === fencingToken ? { ...record, ownerToken } : record;
const goneIfNewer: Change = (record, lease) => (record.fencingToken > lease.fencingToken ? null : record);
const goneIfCompleted: Change = (record, lease) =>
  record.state === 'completed' && hasLowerFencingToken(record, lease) ? null : record;
const goneIfRemoved: Change = (record) => (record.state === 'removed' ? null : record);
const raiseOlderCopies: Change = (record, lease) =>
  hasLowerFencingToken(record, lease) ? { ...record, fencingToken: lease.fencingToken + 1 } : record;
const dropExpired: Change = (record, _, now) => (hasExpired(record, now) ? null : record);
const reviveReleased: Change = (record) => (isReleased(record) ? { ...record, state: 'in_progress' } : record);

export const brokenOwner: Readonly<Record<string, Partial<Protocol>>> = {
  'renew: the owner token alone is enough': renewWith(ownedByToken),
  'renew: the fencing token alone is enough': renewWith(ownedByFencingToken),
  'renew: replaces the record of a newer owner': renewWith(goneIfNewer),
  'renew: replaces a completed record': renewWith(goneIfCompleted),
  'renew: replaces a removed record': renewWith(goneIfRemoved),
  'renew: takes an older copy for another owner’s record': renewWith(raiseOlderCopies),
  'renew: revives a released record': renewWith(reviveReleased),
  'renew: restores after the end of the lease': {
    renew: (record, lease, leaseMs, now) => renew(record, { ...lease, leaseEndAt: never }, leaseMs, now),
  },
  'renew: restores without guarded': {
    renew: (record, lease, leaseMs, now) => {
      const transition = renew(record, lease, leaseMs, now);
      if (transition.reply.kind !== 'restored' || transition.record === null) return transition;
      return { ...transition, record: { ...transition.record, guarded: false } };
    },
  },
  'renew: restores without the retention': {
    renew: (record, lease, leaseMs, now) => {
      const transition = renew(record, lease, leaseMs, now);
      if (transition.reply.kind !== 'restored' || transition.record === null) return transition;
      return { ...transition, record: { ...transition.record, recordTtlMs: 0 } };
    },
  },
  'renew: restores without fingerprintBound': {
    renew: (record, lease, leaseMs, now) => {
      const transition = renew(record, lease, leaseMs, now);
      if (transition.reply.kind !== 'restored' || transition.record === null) return transition;
      return { ...transition, record: { ...transition.record, fingerprintBound: false } };
    },
  },
  'renew: restores without the steps of an older copy': {
    renew: (record, lease, leaseMs, now) => {
      const transition = renew(record, lease, leaseMs, now);
      if (transition.reply.kind !== 'restored' || transition.record === null) return transition;
      return { ...transition, record: { ...transition.record, steps: new Map() } };
    },
  },
  'renew: shortens the lease': {
    renew: (before, lease, leaseMs, now) => {
      const { record, reply } = renew(before, lease, leaseMs, now);
      if (reply.kind !== 'ok' || record?.state !== 'in_progress') return { record, reply };
      return { record: { ...record, leaseEndAt: now + leaseMs }, reply: { ...reply, leaseEndAt: now + leaseMs } };
    },
  },
  'renew: the lifetime does not follow the lease': {
    renew: (before, lease, leaseMs, now) => {
      const { record, reply } = renew(before, lease, leaseMs, now);
      return { record: record && { ...record, expiresAt: before?.expiresAt ?? record.expiresAt }, reply };
    },
  },
  'renew: an abandoned lease is lost': renewWith((record, _, now) => {
    return now >= record.leaseEndAt && record.state === 'in_progress' ? { ...record, ownerToken: 'nobody' } : record;
  }),

  'checkpoint: later bytes of a seq win': {
    checkpoint: (record, lease, request, now) => {
      const steps = new Map(record?.steps);
      if (steps.get(request.step)?.seq === request.seq) steps.delete(request.step);
      return checkpoint(record && { ...record, steps }, lease, request, now);
    },
  },
  'checkpoint: a lower seq wins': {
    checkpoint: (record, lease, request, now) => {
      const steps = new Map(record?.steps);
      if ((steps.get(request.step)?.seq ?? 0) > request.seq) steps.delete(request.step);
      return checkpoint(record && { ...record, steps }, lease, request, now);
    },
  },
  'checkpoint: a stale owner writes': {
    checkpoint: (record, lease, request, now) => {
      const changed =
        record?.state === 'in_progress'
          ? { ...record, ownerToken: lease.ownerToken, fencingToken: lease.fencingToken }
          : record;
      const transition = checkpoint(changed, lease, request, now);
      const { ownerToken = '', fencingToken = 0 } = record ?? {};
      return { ...transition, record: transition.record && { ...transition.record, ownerToken, fencingToken } };
    },
  },

  'complete: the owner token alone is enough': completeWith(ownedByToken),
  'complete: the fencing token alone is enough': completeWith(ownedByFencingToken),
  'complete: replaces the record of a newer owner': completeWith(goneIfNewer),
  'complete: replaces a completed record': completeWith(goneIfCompleted),
  'complete: replaces a removed record': completeWith(goneIfRemoved),
  'complete: takes an older copy for another owner’s record': completeWith(raiseOlderCopies),
  'complete: replaces the expired record of a newer owner': completeWith(dropExpired),
  'complete: succeeds after a release': completeWith(reviveReleased),
  'complete: an abandoned guarded record cannot be completed': completeWith((record, _, now) => {
    return record.guarded && now >= record.leaseEndAt ? { ...record, ownerToken: 'nobody' } : record;
  }),
  'complete: the last bytes are kept': completeWith((record) => {
    return record.state === 'completed' ? { ...record, state: 'in_progress' } : record;
  }),
  'complete: restores at any time': {
    complete: (record, lease, completion, now) => complete(record, lease, { ...completion, notAfter: never }, now),
  },
  'complete: notAfter limits it on its own record too': {
    complete: (record, lease, completion, now) => {
      return now >= lease.leaseEndAt
        ? { record, reply: { kind: 'gone', now } }
        : complete(record, lease, completion, now);
    },
  },
  'complete: a guarded record keeps its long lifetime': {
    complete: (before, lease, completion, now) => {
      const { record, reply } = complete(before, lease, completion, now);
      return { record: record && { ...record, expiresAt: Math.max(record.expiresAt, before?.expiresAt ?? 0) }, reply };
    },
  },

  'complete: a recovering attempt shortens the lifetime': {
    complete: (record, lease, completion, now) => {
      const changed = record && { ...record, recovering: false };
      const transition = complete(changed, lease, completion, now);
      if (transition.record === changed || transition.record === null) return { ...transition, record };
      const { recovering } = transition.reply.kind === 'restored' ? lease : (record ?? lease);
      return { ...transition, record: { ...transition.record, recovering } };
    },
  },
};
