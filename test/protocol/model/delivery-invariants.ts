// Invariants of every single delivery, even after the store lost data or its clock stepped back.
import {
  type AcquireRequest,
  type Lease,
  type LeaseIdentity,
  restoreWindowMs,
  type StoredRecord,
} from '../../../packages/core/src/protocol/index.js';
import { assertHolds, type Delivered } from './message.js';

export function checkDelivery(delivered: Delivered): void {
  const { now, after, verb } = delivered;
  const before = delivered.before !== null && now < delivered.before.expiresAt ? delivered.before : null;
  const changed = after !== delivered.before;
  if (before?.state === 'completed' && verb !== 'remove') assertHolds(!changed, 'a completed record never changes');
  if (changed && before !== null && after !== null) checkMonotonicity(delivered, before, after);
  switch (delivered.verb) {
    case 'acquire':
      checkAcquire(delivered, before, changed);
      break;
    case 'renew':
      checkOwner(delivered, before, delivered.lease, now < delivered.lease.leaseEndAt);
      break;
    case 'complete':
      checkOwner(delivered, before, delivered.lease, now < delivered.completion.notAfter);
      break;
    case 'checkpoint':
      checkOwner(delivered, before, delivered.lease, false);
      break;
    case 'release':
      checkOwner(delivered, before, delivered.holder, false);
      break;
    case 'resolve':
      assertHolds(before !== null || !changed, 'resolve does not create a record');
      if (changed) assertHolds(delivered.reply.kind === 'ok', 'resolve replies ok when it decides');
      break;
    case 'remove':
      break;
  }
}

function checkMonotonicity({ verb, now }: Delivered, before: StoredRecord, after: StoredRecord): void {
  assertHolds(after.fencingToken >= before.fencingToken, 'the fencing token of a key never falls');
  const ends = verb === 'complete' && before.fencingToken === after.fencingToken && !before.recovering;
  const isNew = before.state === 'removed';
  const isFree =
    verb === 'release' && after.state === 'retryable' && after.steps.size === 0 && after.decisions.length === 0;
  const least = isFree ? Math.min(before.expiresAt, now + restoreWindowMs) : before.expiresAt;
  if (!ends && !isNew && verb !== 'remove') assertHolds(after.expiresAt >= least, 'a lifetime is never shortened');
  if (isFree)
    assertHolds(
      after.expiresAt <= Math.max(now + restoreWindowMs, before.leaseEndAt),
      'a retryable record without steps and decisions is kept for an hour',
    );
  const same =
    before.ownerToken === after.ownerToken &&
    before.fencingToken === after.fencingToken &&
    after.state === 'in_progress';
  if (same) assertHolds(after.leaseEndAt >= before.leaseEndAt, 'a lease is never shortened');
  if (after.state === 'in_progress' && verb === 'renew')
    assertHolds(after.steps === before.steps, 'renew keeps the steps');
}

function checkAcquire(
  { now, after, reply, request }: Extract<Delivered, { verb: 'acquire' }>,
  before: StoredRecord | null,
  changed: boolean,
): void {
  assertHolds(changed === (reply.kind === 'acquired'), 'acquire changes a record exactly if it replies acquired');
  if (reply.kind === 'in_progress') {
    const maxMs = before?.leaseMs ?? 0;
    assertHolds(reply.retryAfterMs > 0 && reply.retryAfterMs <= maxMs, 'retryAfterMs is at most the length of a lease');
  }
  if (reply.kind !== 'acquired' || after === null) return;
  assertHolds(now <= request.notAfter, 'no late copy of an acquisition executes');
  if (before?.ownerToken === after.ownerToken && before.fencingToken === after.fencingToken) return;
  const least = Math.max(now, (before?.fencingToken ?? 0) + 1, request.lastSeenFencingToken + 1);
  assertHolds(
    reply.fencingToken >= least && reply.fencingToken === after.fencingToken,
    'the fencing token grows with each execution',
  );
  checkDescription(request, before?.state === 'removed' ? null : before, after, now);
}

function checkDescription(
  request: AcquireRequest,
  before: StoredRecord | null,
  after: StoredRecord,
  now: number,
): void {
  const { operation, label, traceparent, firstAcquiredAt, acquiredAt } = after;
  assertHolds(operation === request.operation, 'the record has the operation of its last attempt');
  assertHolds(label === (request.label ?? before?.label ?? null), 'the last label that was given stays');
  const inherited = after.recovering ? (before?.traceparent ?? null) : null;
  assertHolds(
    traceparent === (request.traceparent ?? inherited),
    'the trace is that of the attempt, or of the one that a recovery finds out about',
  );
  assertHolds(acquiredAt === now, 'the record says when its attempt began');
  assertHolds(firstAcquiredAt === (before?.firstAcquiredAt ?? now), 'the record says when its first attempt began');
}

function checkOwner(
  delivered: Delivered,
  before: StoredRecord | null,
  by: LeaseIdentity | Lease,
  inTime: boolean,
): void {
  const { reply, after, verb } = delivered;
  const fencingToken = by.fencingToken ?? 0;
  const byToken = delivered.verb === 'release' && delivered.request.as === 'not_started';
  const own = before?.ownerToken === by.ownerToken && (before.fencingToken === by.fencingToken || byToken);
  const finished = before?.state === 'completed' || before?.state === 'removed';
  if (own) return;
  if (before !== null && (finished || before.fencingToken >= fencingToken)) {
    assertHolds(reply.kind === 'lost' && after === delivered.before, 'a stale owner gets lost, and changes nothing');
    return;
  }
  const newer = delivered.before !== null && delivered.before.fencingToken > fencingToken;
  const expected = inTime && !newer ? 'restored' : 'gone';
  assertHolds(reply.kind === expected, `on a record that the store lost ${verb} replies ${expected}`);
  if (expected === 'gone') assertHolds(after === delivered.before, 'gone writes nothing');
  else checkRestored(after, by);
}

function checkRestored(after: StoredRecord | null, by: LeaseIdentity | Lease): void {
  assertHolds(after !== null && 'attempt' in by, 'only a lease restores a record');
  const { key: _key, leaseEndAt: _leaseEndAt, ...carried } = by;
  const facts = Object.entries(carried);
  const restored: ReadonlyMap<string, unknown> = new Map(Object.entries(after));
  for (const [name, value] of facts)
    assertHolds(restored.get(name) === value, `a restored record has ${name} of the lease`);
}
