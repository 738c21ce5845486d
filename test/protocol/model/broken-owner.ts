// The protocol with one clause of renew, checkpoint, complete or release taken away: each must be found.
import {
  checkpoint,
  complete,
  type Lease,
  release,
  renew,
  restoreTtlMs,
  type StoredRecord,
} from '../../../packages/core/src/protocol/index.js';
import type { Protocol } from './message.js';

type Change = (record: StoredRecord, lease: Lease, now: number) => StoredRecord | null;

const never = Number.MAX_SAFE_INTEGER;
const isOver = (record: StoredRecord, now: number): boolean => now >= record.expiresAt;
const lower = (record: StoredRecord, lease: Lease): boolean => record.fence < lease.fence;
const finished = (record: StoredRecord): boolean => record.state === 'retryable' || record.state === 'unknown';

/** The verb, shown another record; what it does not change stays as it really is. */
const renewSeeing = (change: Change): Partial<Protocol> => ({
  renew: (record, lease, leaseMs, now) => {
    const shown = record && change(record, lease, now);
    const transition = renew(shown, lease, leaseMs, now);
    return transition.record === shown ? { ...transition, record } : transition;
  },
});
const completeSeeing = (change: Change): Partial<Protocol> => ({
  complete: (record, lease, completion, now) => {
    const shown = record && change(record, lease, now);
    const transition = complete(shown, lease, completion, now);
    return transition.record === shown ? { ...transition, record } : transition;
  },
});

const mineByToken: Change = (record, { token, fence }) => (record.token === token ? { ...record, fence } : record);
const mineByFence: Change = (record, { token, fence }) => (record.fence === fence ? { ...record, token } : record);
const goneIfNewer: Change = (record, lease) => (record.fence > lease.fence ? null : record);
const goneIfCompleted: Change = (record, lease) =>
  record.state === 'completed' && lower(record, lease) ? null : record;
const goneIfRemoved: Change = (record) => (record.state === 'removed' ? null : record);
const noOlderCopies: Change = (record, lease) =>
  lower(record, lease) ? { ...record, fence: lease.fence + 1 } : record;
const forgetsWhatIsOver: Change = (record, _, now) => (isOver(record, now) ? null : record);
const revives: Change = (record) => (finished(record) ? { ...record, state: 'in_progress' } : record);

export const brokenOwner: Readonly<Record<string, Partial<Protocol>>> = {
  'renew: the token alone makes an owner': renewSeeing(mineByToken),
  'renew: the fencing token alone makes an owner': renewSeeing(mineByFence),
  'renew: writes over a newer owner': renewSeeing(goneIfNewer),
  'renew: writes over what is completed': renewSeeing(goneIfCompleted),
  'renew: writes over what was removed': renewSeeing(goneIfRemoved),
  'renew: takes an older copy for a rival': renewSeeing(noOlderCopies),
  'renew: revives what was released': renewSeeing(revives),
  'renew: restores after the lease': {
    renew: (record, lease, leaseMs, now) => renew(record, { ...lease, leaseEndAt: never }, leaseMs, now),
  },
  'renew: restored is not guarded any more': {
    renew: (record, lease, leaseMs, now) => {
      const transition = renew(record, lease, leaseMs, now);
      if (transition.answer.kind !== 'restored' || transition.record === null) return transition;
      return { ...transition, record: { ...transition.record, guarded: false } };
    },
  },
  'renew: restored forgets its terms': {
    renew: (record, lease, leaseMs, now) => {
      const transition = renew(record, lease, leaseMs, now);
      if (transition.answer.kind !== 'restored' || transition.record === null) return transition;
      return { ...transition, record: { ...transition.record, recordTtlMs: 0 } };
    },
  },
  'renew: restored is not bound any more': {
    renew: (record, lease, leaseMs, now) => {
      const transition = renew(record, lease, leaseMs, now);
      if (transition.answer.kind !== 'restored' || transition.record === null) return transition;
      return { ...transition, record: { ...transition.record, bound: false } };
    },
  },
  'renew: restored forgets the steps of an older copy': {
    renew: (record, lease, leaseMs, now) => {
      const transition = renew(record, lease, leaseMs, now);
      if (transition.answer.kind !== 'restored' || transition.record === null) return transition;
      return { ...transition, record: { ...transition.record, steps: new Map() } };
    },
  },
  'renew: makes the lease shorter': {
    renew: (before, lease, leaseMs, now) => {
      const { record, answer } = renew(before, lease, leaseMs, now);
      if (answer.kind !== 'ok' || record?.state !== 'in_progress') return { record, answer };
      return { record: { ...record, leaseEndAt: now + leaseMs }, answer: { ...answer, leaseEndAt: now + leaseMs } };
    },
  },
  'renew: the life does not follow the lease': {
    renew: (before, lease, leaseMs, now) => {
      const { record, answer } = renew(before, lease, leaseMs, now);
      return { record: record && { ...record, expiresAt: before?.expiresAt ?? record.expiresAt }, answer };
    },
  },
  'renew: an abandoned lease is lost': renewSeeing((record, _, now) => {
    return now >= record.leaseEndAt && record.state === 'in_progress' ? { ...record, token: 'nobody' } : record;
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
      const shown = record?.state === 'in_progress' ? { ...record, token: lease.token, fence: lease.fence } : record;
      const transition = checkpoint(shown, lease, point, now);
      const { token = '', fence = 0 } = record ?? {};
      return { ...transition, record: transition.record && { ...transition.record, token, fence } };
    },
  },

  'complete: the token alone makes an owner': completeSeeing(mineByToken),
  'complete: the fencing token alone makes an owner': completeSeeing(mineByFence),
  'complete: writes over a newer owner': completeSeeing(goneIfNewer),
  'complete: writes over what is completed': completeSeeing(goneIfCompleted),
  'complete: writes over what was removed': completeSeeing(goneIfRemoved),
  'complete: takes an older copy for a rival': completeSeeing(noOlderCopies),
  'complete: writes over a newer owner whose life is over': completeSeeing(forgetsWhatIsOver),
  'complete: counts after a release': completeSeeing(revives),
  'complete: an abandoned guarded record cannot be completed': completeSeeing((record, _, now) => {
    return record.guarded && now >= record.leaseEndAt ? { ...record, token: 'nobody' } : record;
  }),
  'complete: the last bytes stand': completeSeeing((record) => {
    return record.state === 'completed' ? { ...record, state: 'in_progress' } : record;
  }),
  'complete: restores at any time': {
    complete: (record, lease, completion, now) => complete(record, lease, { ...completion, notAfter: never }, now),
  },
  'complete: its own record needs to be in time too': {
    complete: (record, lease, completion, now) => {
      return now >= lease.leaseEndAt
        ? { record, answer: { kind: 'gone', now } }
        : complete(record, lease, completion, now);
    },
  },
  'complete: a guarded record keeps its long life': {
    complete: (before, lease, completion, now) => {
      const { record, answer } = complete(before, lease, completion, now);
      return { record: record && { ...record, expiresAt: Math.max(record.expiresAt, before?.expiresAt ?? 0) }, answer };
    },
  },

  'complete: what was found out shortens the life': {
    complete: (record, lease, completion, now) => {
      const shown = record && { ...record, recovering: false };
      const transition = complete(shown, lease, completion, now);
      if (transition.record === shown || transition.record === null) return { ...transition, record };
      const { recovering } = transition.answer.kind === 'restored' ? lease : (record ?? lease);
      return { ...transition, record: { ...transition.record, recovering } };
    },
  },

  'release: the token alone makes an owner': {
    release: (record, holder, how, now) => {
      return release(
        record,
        { ...holder, fence: record?.token === holder.token ? record.fence : holder.fence },
        how,
        now,
      );
    },
  },
  'release: the fencing token alone makes an owner': {
    release: (record, holder, how, now) => {
      return release(
        record,
        { ...holder, token: record?.fence === holder.fence ? record.token : holder.token },
        how,
        now,
      );
    },
  },
  'release: not_started needs the fencing token': {
    release: (record, holder, how, now) => {
      return how.as === 'not_started' && holder.fence === null
        ? { record, answer: { kind: 'lost', now } }
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
      return release(record && finished(record) ? { ...record, state: 'in_progress' } : record, holder, how, now);
    },
  },
  'release: shortens the life': {
    release: (before, holder, how, now) => {
      const { record, answer } = release(before, holder, how, now);
      if (record === before || record === null) return { record, answer };
      return { record: { ...record, expiresAt: now + holder.recordTtlMs }, answer };
    },
  },
  'release: an unknown outcome lives no longer than others': {
    release: (record, holder, how, now) => release(record, { ...holder, unknownTtlMs: 1 }, how, now),
  },
  'release: unbind forgets a payload that an earlier attempt bound': {
    release: (record, holder, how, now) => {
      const { record: after, answer } = release(record && { ...record, bound: false }, holder, how, now);
      const unchanged = answer.kind !== 'ok' || record?.state !== 'in_progress';
      return { record: unchanged ? record : after && { ...after, bound: record.bound }, answer };
    },
  },
  'release: unbind forgets the payload of recorded steps': {
    release: (before, holder, how, now) => {
      const { record, answer } = release(before, holder, how, now);
      if (record === before || record?.state !== 'retryable' || record.bound) return { record, answer };
      const unbinds = how.as === 'retryable' && how.unbind === true;
      return { record: unbinds ? { ...record, fingerprint: null } : record, answer };
    },
  },
  'release: forgets the payload without being asked': {
    release: (record, holder, how, now) => {
      return release(record, holder, how.as === 'retryable' ? { ...how, unbind: true } : how, now);
    },
  },
  'release: unbind is ignored': {
    release: (record, holder, how, now) => {
      return release(record, holder, how.as === 'retryable' ? { as: 'retryable' } : how, now);
    },
  },
  'release: a free record without steps lives on': {
    release: (before, holder, how, now) => {
      const { record, answer } = release(before, holder, how, now);
      if (record === before || record?.state !== 'retryable') return { record, answer };
      const expiresAt = Math.max(before?.expiresAt ?? 0, now + holder.recordTtlMs);
      return { record: { ...record, expiresAt }, answer };
    },
  },
  'release: a free record with steps lives an hour': {
    release: (before, holder, how, now) => {
      const { record, answer } = release(before, holder, how, now);
      if (record === before || record?.state !== 'retryable') return { record, answer };
      const least = Math.max(now + restoreTtlMs, before?.leaseEndAt ?? 0);
      return { record: { ...record, expiresAt: Math.min(record.expiresAt, least) }, answer };
    },
  },
  'release: a free record is gone before the last late message': {
    release: (before, holder, how, now) => {
      const { record, answer } = release(before, holder, how, now);
      if (record === before || record?.state !== 'retryable' || record.steps.size > 0) return { record, answer };
      return { record: { ...record, expiresAt: now + 1 }, answer };
    },
  },
  'release: recover need not wait': {
    release: (record, holder, how, now) => {
      return release(record, holder, how.as === 'unknown' ? { ...how, retryAfterMs: null } : how, now);
    },
  },
};
