// The protocol with one clause of renew, checkpoint, complete or release taken away: each must be found.
import {
  checkpoint,
  complete,
  type Lease,
  release,
  renew,
  restoreWindowMs,
  type StoredRecord,
} from '../../../packages/core/src/protocol/index.js';
import type { Protocol } from './message.js';

type Change = (record: StoredRecord, lease: Lease, now: number) => StoredRecord | null;

const never = Number.MAX_SAFE_INTEGER;
const isOver = (record: StoredRecord, now: number): boolean => now >= record.expiresAt;
const hasLowerFence = (record: StoredRecord, lease: Lease): boolean => record.fencingToken < lease.fencingToken;
const isFinished = (record: StoredRecord): boolean => record.state === 'retryable' || record.state === 'unknown';

/** The verb, shown another record; what it does not change stays as it really is. */
const renewWith = (change: Change): Partial<Protocol> => ({
  renew: (record, lease, leaseMs, now) => {
    const shown = record && change(record, lease, now);
    const transition = renew(shown, lease, leaseMs, now);
    return transition.record === shown ? { ...transition, record } : transition;
  },
});
const completeWith = (change: Change): Partial<Protocol> => ({
  complete: (record, lease, completion, now) => {
    const shown = record && change(record, lease, now);
    const transition = complete(shown, lease, completion, now);
    return transition.record === shown ? { ...transition, record } : transition;
  },
});

const mineByToken: Change = (record, { ownerToken, fencingToken }) =>
  record.ownerToken === ownerToken ? { ...record, fencingToken } : record;
const mineByFence: Change = (record, { ownerToken, fencingToken }) =>
  record.fencingToken === fencingToken ? { ...record, ownerToken } : record;
const goneIfNewer: Change = (record, lease) => (record.fencingToken > lease.fencingToken ? null : record);
const goneIfCompleted: Change = (record, lease) =>
  record.state === 'completed' && hasLowerFence(record, lease) ? null : record;
const goneIfRemoved: Change = (record) => (record.state === 'removed' ? null : record);
const noOlderCopies: Change = (record, lease) =>
  hasLowerFence(record, lease) ? { ...record, fencingToken: lease.fencingToken + 1 } : record;
const forgetsWhatIsOver: Change = (record, _, now) => (isOver(record, now) ? null : record);
const revives: Change = (record) => (isFinished(record) ? { ...record, state: 'in_progress' } : record);

export const brokenOwner: Readonly<Record<string, Partial<Protocol>>> = {
  'renew: the token alone makes an owner': renewWith(mineByToken),
  'renew: the fencing token alone makes an owner': renewWith(mineByFence),
  'renew: writes over a newer owner': renewWith(goneIfNewer),
  'renew: writes over what is completed': renewWith(goneIfCompleted),
  'renew: writes over what was removed': renewWith(goneIfRemoved),
  'renew: takes an older copy for a rival': renewWith(noOlderCopies),
  'renew: revives what was released': renewWith(revives),
  'renew: restores after the lease': {
    renew: (record, lease, leaseMs, now) => renew(record, { ...lease, leaseEndAt: never }, leaseMs, now),
  },
  'renew: restored is not guarded any more': {
    renew: (record, lease, leaseMs, now) => {
      const transition = renew(record, lease, leaseMs, now);
      if (transition.reply.kind !== 'restored' || transition.record === null) return transition;
      return { ...transition, record: { ...transition.record, guarded: false } };
    },
  },
  'renew: restored forgets its terms': {
    renew: (record, lease, leaseMs, now) => {
      const transition = renew(record, lease, leaseMs, now);
      if (transition.reply.kind !== 'restored' || transition.record === null) return transition;
      return { ...transition, record: { ...transition.record, recordTtlMs: 0 } };
    },
  },
  'renew: restored is not bound any more': {
    renew: (record, lease, leaseMs, now) => {
      const transition = renew(record, lease, leaseMs, now);
      if (transition.reply.kind !== 'restored' || transition.record === null) return transition;
      return { ...transition, record: { ...transition.record, fingerprintBound: false } };
    },
  },
  'renew: restored forgets the steps of an older copy': {
    renew: (record, lease, leaseMs, now) => {
      const transition = renew(record, lease, leaseMs, now);
      if (transition.reply.kind !== 'restored' || transition.record === null) return transition;
      return { ...transition, record: { ...transition.record, steps: new Map() } };
    },
  },
  'renew: makes the lease shorter': {
    renew: (before, lease, leaseMs, now) => {
      const { record, reply } = renew(before, lease, leaseMs, now);
      if (reply.kind !== 'ok' || record?.state !== 'in_progress') return { record, reply };
      return { record: { ...record, leaseEndAt: now + leaseMs }, reply: { ...reply, leaseEndAt: now + leaseMs } };
    },
  },
  'renew: the life does not follow the lease': {
    renew: (before, lease, leaseMs, now) => {
      const { record, reply } = renew(before, lease, leaseMs, now);
      return { record: record && { ...record, expiresAt: before?.expiresAt ?? record.expiresAt }, reply };
    },
  },
  'renew: an abandoned lease is lost': renewWith((record, _, now) => {
    return now >= record.leaseEndAt && record.state === 'in_progress' ? { ...record, ownerToken: 'nobody' } : record;
  }),

  'checkpoint: later bytes of a seq win': {
    checkpoint: (record, lease, point, now) => {
      const steps = new Map(record?.steps);
      if (steps.get(point.step)?.seq === point.seq) steps.delete(point.step);
      return checkpoint(record && { ...record, steps }, lease, point, now);
    },
  },
  'checkpoint: a lower seq wins': {
    checkpoint: (record, lease, point, now) => {
      const steps = new Map(record?.steps);
      if ((steps.get(point.step)?.seq ?? 0) > point.seq) steps.delete(point.step);
      return checkpoint(record && { ...record, steps }, lease, point, now);
    },
  },
  'checkpoint: a stale owner writes': {
    checkpoint: (record, lease, point, now) => {
      const shown =
        record?.state === 'in_progress'
          ? { ...record, ownerToken: lease.ownerToken, fencingToken: lease.fencingToken }
          : record;
      const transition = checkpoint(shown, lease, point, now);
      const { ownerToken = '', fencingToken = 0 } = record ?? {};
      return { ...transition, record: transition.record && { ...transition.record, ownerToken, fencingToken } };
    },
  },

  'complete: the token alone makes an owner': completeWith(mineByToken),
  'complete: the fencing token alone makes an owner': completeWith(mineByFence),
  'complete: writes over a newer owner': completeWith(goneIfNewer),
  'complete: writes over what is completed': completeWith(goneIfCompleted),
  'complete: writes over what was removed': completeWith(goneIfRemoved),
  'complete: takes an older copy for a rival': completeWith(noOlderCopies),
  'complete: writes over a newer owner whose life is over': completeWith(forgetsWhatIsOver),
  'complete: counts after a release': completeWith(revives),
  'complete: an abandoned guarded record cannot be completed': completeWith((record, _, now) => {
    return record.guarded && now >= record.leaseEndAt ? { ...record, ownerToken: 'nobody' } : record;
  }),
  'complete: the last bytes stand': completeWith((record) => {
    return record.state === 'completed' ? { ...record, state: 'in_progress' } : record;
  }),
  'complete: restores at any time': {
    complete: (record, lease, completion, now) => complete(record, lease, { ...completion, notAfter: never }, now),
  },
  'complete: its own record needs to be in time too': {
    complete: (record, lease, completion, now) => {
      return now >= lease.leaseEndAt
        ? { record, reply: { kind: 'gone', now } }
        : complete(record, lease, completion, now);
    },
  },
  'complete: a guarded record keeps its long life': {
    complete: (before, lease, completion, now) => {
      const { record, reply } = complete(before, lease, completion, now);
      return { record: record && { ...record, expiresAt: Math.max(record.expiresAt, before?.expiresAt ?? 0) }, reply };
    },
  },

  'complete: what was found out shortens the life': {
    complete: (record, lease, completion, now) => {
      const shown = record && { ...record, recovering: false };
      const transition = complete(shown, lease, completion, now);
      if (transition.record === shown || transition.record === null) return { ...transition, record };
      const { recovering } = transition.reply.kind === 'restored' ? lease : (record ?? lease);
      return { ...transition, record: { ...transition.record, recovering } };
    },
  },

  'release: the token alone makes an owner': {
    release: (record, holder, how, now) => {
      return release(
        record,
        {
          ...holder,
          fencingToken: record?.ownerToken === holder.ownerToken ? record.fencingToken : holder.fencingToken,
        },
        how,
        now,
      );
    },
  },
  'release: the fencing token alone makes an owner': {
    release: (record, holder, how, now) => {
      return release(
        record,
        { ...holder, ownerToken: record?.fencingToken === holder.fencingToken ? record.ownerToken : holder.ownerToken },
        how,
        now,
      );
    },
  },
  'release: not_started needs the fencing token': {
    release: (record, holder, how, now) => {
      return how.as === 'not_started' && holder.fencingToken === null
        ? { record, reply: { kind: 'lost', now } }
        : release(record, holder, how, now);
    },
  },
  'release: not_started of a recovering attempt frees the key': {
    release: (record, holder, how, now) => release(record && { ...record, recovering: false }, holder, how, now),
  },
  'release: not_started takes what is completed': {
    release: (record, holder, how, now) => {
      const shown = record?.state === 'completed' ? ({ ...record, state: 'in_progress' } as const) : record;
      return how.as === 'not_started' ? release(shown, holder, how, now) : release(record, holder, how, now);
    },
  },
  'release: the second one counts too': {
    release: (record, holder, how, now) => {
      return release(record && isFinished(record) ? { ...record, state: 'in_progress' } : record, holder, how, now);
    },
  },
  'release: shortens the life': {
    release: (before, holder, how, now) => {
      const { record, reply } = release(before, holder, how, now);
      if (record === before || record === null) return { record, reply };
      return { record: { ...record, expiresAt: now + holder.recordTtlMs }, reply };
    },
  },
  'release: an unknown outcome lives no longer than others': {
    release: (record, holder, how, now) => release(record, { ...holder, unknownTtlMs: 1 }, how, now),
  },
  'release: unbind forgets a payload that an earlier attempt bound': {
    release: (record, holder, how, now) => {
      const { record: after, reply } = release(record && { ...record, fingerprintBound: false }, holder, how, now);
      const unchanged = reply.kind !== 'ok' || record?.state !== 'in_progress';
      return { record: unchanged ? record : after && { ...after, fingerprintBound: record.fingerprintBound }, reply };
    },
  },
  'release: unbind forgets the payload of recorded steps': {
    release: (before, holder, how, now) => {
      const { record, reply } = release(before, holder, how, now);
      if (record === before || record?.state !== 'retryable' || record.fingerprintBound) return { record, reply };
      const unbinds = how.as === 'retryable' && how.unbindFingerprint === true;
      return { record: unbinds ? { ...record, fingerprint: null } : record, reply };
    },
  },
  'release: forgets the payload without being asked': {
    release: (record, holder, how, now) => {
      return release(record, holder, how.as === 'retryable' ? { ...how, unbindFingerprint: true } : how, now);
    },
  },
  'release: unbind is ignored': {
    release: (record, holder, how, now) => {
      return release(record, holder, how.as === 'retryable' ? { as: 'retryable' } : how, now);
    },
  },
  'release: a free record without steps lives on': {
    release: (before, holder, how, now) => {
      const { record, reply } = release(before, holder, how, now);
      if (record === before || record?.state !== 'retryable') return { record, reply };
      const expiresAt = Math.max(before?.expiresAt ?? 0, now + holder.recordTtlMs);
      return { record: { ...record, expiresAt }, reply };
    },
  },
  'release: a free record with steps lives an hour': {
    release: (before, holder, how, now) => {
      const { record, reply } = release(before, holder, how, now);
      if (record === before || record?.state !== 'retryable') return { record, reply };
      const least = Math.max(now + restoreWindowMs, before?.leaseEndAt ?? 0);
      return { record: { ...record, expiresAt: Math.min(record.expiresAt, least) }, reply };
    },
  },
  'release: a free record is gone before the last late message': {
    release: (before, holder, how, now) => {
      const { record, reply } = release(before, holder, how, now);
      if (record === before || record?.state !== 'retryable' || record.steps.size > 0) return { record, reply };
      return { record: { ...record, expiresAt: now + 1 }, reply };
    },
  },
  'release: recover need not wait': {
    release: (record, holder, how, now) => {
      return release(record, holder, how.as === 'unknown' ? { ...how, retryAfterMs: null } : how, now);
    },
  },
};
