// Mutations of the protocol: in each, one clause of release is missing. The random histories must detect each.
import { release, restoreWindowMs, type StoredRecord } from '../../../packages/core/src/protocol/index.js';
import type { Protocol } from './message.js';

const isReleased = (record: StoredRecord): boolean => record.state === 'retryable' || record.state === 'unknown';

export const brokenRelease: Readonly<Record<string, Partial<Protocol>>> = {
  'release: the owner token alone is enough': {
    release: (record, holder, request, now) => {
      return release(
        record,
        {
          ...holder,
          fencingToken: record?.ownerToken === holder.ownerToken ? record.fencingToken : holder.fencingToken,
        },
        request,
        now,
      );
    },
  },
  'release: the fencing token alone is enough': {
    release: (record, holder, request, now) => {
      return release(
        record,
        { ...holder, ownerToken: record?.fencingToken === holder.fencingToken ? record.ownerToken : holder.ownerToken },
        request,
        now,
      );
    },
  },
  'release: not_started needs the fencing token': {
    release: (record, holder, request, now) => {
      return request.as === 'not_started' && holder.fencingToken === null
        ? { record, reply: { kind: 'lost', now } }
        : release(record, holder, request, now);
    },
  },
  'release: not_started of a recovering attempt frees the key': {
    release: (record, holder, request, now) =>
      release(record && { ...record, recovering: false }, holder, request, now),
  },
  'release: not_started releases a completed record': {
    release: (record, holder, request, now) => {
      const changed = record?.state === 'completed' ? ({ ...record, state: 'in_progress' } as const) : record;
      return request.as === 'not_started'
        ? release(changed, holder, request, now)
        : release(record, holder, request, now);
    },
  },
  'release: a repetition has an effect': {
    release: (record, holder, request, now) => {
      return release(record && isReleased(record) ? { ...record, state: 'in_progress' } : record, holder, request, now);
    },
  },
  'release: shortens the lifetime': {
    release: (before, holder, request, now) => {
      const { record, reply } = release(before, holder, request, now);
      if (record === before || record === null) return { record, reply };
      return { record: { ...record, expiresAt: now + holder.recordTtlMs }, reply };
    },
  },
  'release: an unknown record is kept no longer than others': {
    release: (record, holder, request, now) => release(record, { ...holder, unknownTtlMs: 1 }, request, now),
  },
  'release: unbindFingerprint removes a fingerprint that an earlier attempt bound': {
    release: (record, holder, request, now) => {
      const { record: after, reply } = release(record && { ...record, fingerprintBound: false }, holder, request, now);
      const unchanged = reply.kind !== 'ok' || record?.state !== 'in_progress';
      return { record: unchanged ? record : after && { ...after, fingerprintBound: record.fingerprintBound }, reply };
    },
  },
  'release: unbindFingerprint removes the fingerprint of recorded steps': {
    release: (before, holder, request, now) => {
      const { record, reply } = release(before, holder, request, now);
      if (record === before || record?.state !== 'retryable' || record.fingerprintBound) return { record, reply };
      const unbinds = request.as === 'retryable' && request.unbindFingerprint === true;
      return { record: unbinds ? { ...record, fingerprint: null } : record, reply };
    },
  },
  'release: always removes the fingerprint': {
    release: (record, holder, request, now) => {
      return release(
        record,
        holder,
        request.as === 'retryable' ? { ...request, unbindFingerprint: true } : request,
        now,
      );
    },
  },
  'release: unbindFingerprint is ignored': {
    release: (record, holder, request, now) => {
      return release(record, holder, request.as === 'retryable' ? { as: 'retryable' } : request, now);
    },
  },
  'release: a retryable record without steps is kept for its retention': {
    release: (before, holder, request, now) => {
      const { record, reply } = release(before, holder, request, now);
      if (record === before || record?.state !== 'retryable') return { record, reply };
      const expiresAt = Math.max(before?.expiresAt ?? 0, now + holder.recordTtlMs);
      return { record: { ...record, expiresAt }, reply };
    },
  },
  'release: a retryable record with decisions is kept for an hour': {
    release: (before, holder, request, now) => {
      const { record, reply } = release(before, holder, request, now);
      if (record === before || record?.state !== 'retryable' || record.steps.size > 0) return { record, reply };
      const least = Math.max(now + restoreWindowMs, before?.leaseEndAt ?? 0);
      return { record: { ...record, expiresAt: Math.min(record.expiresAt, least) }, reply };
    },
  },
  'release: a retryable record with steps is kept for an hour': {
    release: (before, holder, request, now) => {
      const { record, reply } = release(before, holder, request, now);
      if (record === before || record?.state !== 'retryable') return { record, reply };
      if (record.steps.size === 0) return { record, reply };
      const least = Math.max(now + restoreWindowMs, before?.leaseEndAt ?? 0);
      return { record: { ...record, expiresAt: Math.min(record.expiresAt, least) }, reply };
    },
  },
  'release: a retryable record expires before the last late message': {
    release: (before, holder, request, now) => {
      const { record, reply } = release(before, holder, request, now);
      if (record === before || record?.state !== 'retryable' || record.steps.size > 0) return { record, reply };
      return { record: { ...record, expiresAt: now + 1 }, reply };
    },
  },
  'release: retryAfterMs is ignored': {
    release: (record, holder, request, now) => {
      return release(record, holder, request.as === 'unknown' ? { ...request, retryAfterMs: null } : request, now);
    },
  },
};
