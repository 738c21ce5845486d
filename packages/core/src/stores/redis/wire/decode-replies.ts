// Decodes the replies of the scripts into the replies of the protocol. A script that refuses replies with the raw record;
// the functions of `protocol/` derive from it what the caller gets.
import { acquiredReply, firstAttempt, notAcquiredReply } from '../../../protocol/acquire.js';
import type {
  AcquireReply,
  AcquireRequest,
  CheckpointReply,
  CompleteReply,
  Lease,
  ReleaseReply,
  RenewReply,
  ResolveReply,
} from '../../../protocol/messages.js';
import { deriveStanding } from '../../../protocol/standing.js';
import { decodeRecord } from './decode-record.js';
import type { ReplyReader } from './reply-reader.js';

export function decodeAcquireReply(reply: ReplyReader, request: AcquireRequest): AcquireReply {
  const now = reply.readNumber();
  if (reply.isNumber) return acquiredReply(firstAttempt(null, request, now), now);
  const kind = reply.readOneOf(['acquired', 'refused', 'superseded']);
  if (kind === 'superseded') return { kind, now };
  const record = decodeRecord(reply);
  return kind === 'acquired' ? acquiredReply(record, now) : notAcquiredReply(record, request, now);
}

export function decodeRenewReply(reply: ReplyReader): RenewReply {
  const now = reply.readNumber();
  const kind = reply.readOneOf(['ok', 'restored', 'lost', 'gone']);
  if (kind === 'lost' || kind === 'gone') return { kind, now };
  return { kind, leaseEndAt: reply.readNumber(), now };
}

/** Decodes the reply of checkpoint and of release, which have the same form. */
export function decodeCheckpointOrReleaseReply(reply: ReplyReader): CheckpointReply & ReleaseReply {
  const now = reply.readNumber();
  return { kind: reply.readOneOf(['ok', 'lost', 'gone']), now };
}

export function decodeCompleteReply(reply: ReplyReader, lease: Lease): CompleteReply {
  const now = reply.readNumber();
  if (reply.isNumber) return { kind: 'ok', now };
  const kind = reply.readOneOf(['restored', 'gone', 'lost']);
  if (kind !== 'lost') return { kind, now };
  return { kind, standing: deriveStanding(decodeRecord(reply), lease.fingerprint, now), now };
}

export function decodeResolveReply(reply: ReplyReader): ResolveReply {
  const now = reply.readNumber();
  const kind = reply.readOneOf(['ok', 'gone', 'conflict']);
  if (kind !== 'conflict') return { kind, now };
  return { kind, standing: deriveStanding(decodeRecord(reply), null, now), now };
}
