// What the scripts reply, as answers of the protocol. Where a record stands in the way, the reply has the record, and the
// protocol itself says what it means to the caller.
import { granted, refuse } from '../protocol/acquire.js';
import type {
  AcquireAnswer,
  AcquireRequest,
  CheckpointAnswer,
  CompleteAnswer,
  Lease,
  ReleaseAnswer,
  RenewAnswer,
  ResolveAnswer,
} from '../protocol/messages.js';
import { standing } from '../protocol/standing.js';
import type { Reply } from './reply.js';
import { recordIn } from './stored-record.js';

export function acquireAnswer(reply: Reply, request: AcquireRequest): AcquireAnswer {
  const now = reply.number();
  const kind = reply.word(['acquired', 'refused', 'superseded']);
  if (kind === 'superseded') return { kind, now };
  const record = recordIn(reply);
  return kind === 'acquired' ? { ...granted(record), now } : refuse(record, request, now);
}

export function renewAnswer(reply: Reply): RenewAnswer {
  const now = reply.number();
  const kind = reply.word(['ok', 'restored', 'lost', 'gone']);
  if (kind === 'lost' || kind === 'gone') return { kind, now };
  return { kind, leaseEndAt: reply.number(), now };
}

/** Of checkpoint and release. */
export function plainAnswer(reply: Reply): CheckpointAnswer & ReleaseAnswer {
  const now = reply.number();
  return { kind: reply.word(['ok', 'lost', 'gone']), now };
}

export function completeAnswer(reply: Reply, lease: Lease): CompleteAnswer {
  const now = reply.number();
  const kind = reply.word(['ok', 'restored', 'gone', 'lost']);
  if (kind !== 'lost') return { kind, now };
  return { kind, standing: standing(recordIn(reply), lease.fingerprint, now), now };
}

export function resolveAnswer(reply: Reply): ResolveAnswer {
  const now = reply.number();
  const kind = reply.word(['ok', 'gone', 'conflict']);
  if (kind !== 'conflict') return { kind, now };
  return { kind, standing: standing(recordIn(reply), null, now), now };
}
