// What holds of every single delivery, whatever the store has lost and wherever its clock stands.
import {
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
  if (before?.state === 'completed' && verb !== 'remove') assertHolds(!changed, 'what is completed stays as it is');
  if (changed && before !== null && after !== null) checkMonotony(delivered, before, after);
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
      assertHolds(before !== null || !changed, 'resolve writes nothing where there is nothing');
      if (changed) assertHolds(delivered.answer.kind === 'ok', 'resolve says so when it decides');
      break;
    case 'remove':
      break;
  }
}

function checkMonotony({ verb, now }: Delivered, before: StoredRecord, after: StoredRecord): void {
  assertHolds(after.fencingToken >= before.fencingToken, 'the fencing token of a key never falls');
  const ends = verb === 'complete' && before.fencingToken === after.fencingToken && !before.recovering;
  const isNew = before.state === 'removed';
  const isFree = verb === 'release' && after.state === 'retryable' && after.steps.size === 0;
  const least = isFree ? Math.min(before.expiresAt, now + restoreWindowMs) : before.expiresAt;
  if (!ends && !isNew && verb !== 'remove') assertHolds(after.expiresAt >= least, 'a life is never shortened');
  if (isFree)
    assertHolds(after.expiresAt <= Math.max(now + restoreWindowMs, before.leaseEndAt), 'a free record lives an hour');
  const same =
    before.ownerToken === after.ownerToken &&
    before.fencingToken === after.fencingToken &&
    after.state === 'in_progress';
  if (same) assertHolds(after.leaseEndAt >= before.leaseEndAt, 'a lease is never shortened');
  if (after.state === 'in_progress' && verb === 'renew')
    assertHolds(after.steps === before.steps, 'renew keeps the steps');
}

function checkAcquire(
  { now, after, answer, request }: Extract<Delivered, { verb: 'acquire' }>,
  before: StoredRecord | null,
  changed: boolean,
): void {
  assertHolds(changed === (answer.kind === 'acquired'), 'acquire changes a record exactly if it answers acquired');
  if (answer.kind === 'in_progress') {
    const most = before?.leaseMs ?? 0;
    assertHolds(answer.retryAfterMs > 0 && answer.retryAfterMs <= most, 'nobody is told to wait longer than a lease');
  }
  if (answer.kind !== 'acquired' || after === null) return;
  assertHolds(now <= request.notAfter, 'no late copy of an acquisition executes');
  if (before?.ownerToken === after.ownerToken && before.fencingToken === after.fencingToken) return;
  const least = Math.max(now, (before?.fencingToken ?? 0) + 1, request.lastSeenFencingToken + 1);
  assertHolds(
    answer.fencingToken >= least && answer.fencingToken === after.fencingToken,
    'the fencing token grows with each execution',
  );
}

function checkOwner(
  delivered: Delivered,
  before: StoredRecord | null,
  by: LeaseIdentity | Lease,
  inTime: boolean,
): void {
  const { answer, after, verb } = delivered;
  const fencingToken = by.fencingToken ?? 0;
  const byToken = delivered.verb === 'release' && delivered.how.as === 'not_started';
  const own = before?.ownerToken === by.ownerToken && (before.fencingToken === by.fencingToken || byToken);
  const finished = before?.state === 'completed' || before?.state === 'removed';
  if (own) return;
  if (before !== null && (finished || before.fencingToken >= fencingToken)) {
    assertHolds(answer.kind === 'lost' && after === delivered.before, 'a stale owner is told so, and changes nothing');
    return;
  }
  const newer = delivered.before !== null && delivered.before.fencingToken > fencingToken;
  const expected = inTime && !newer ? 'restored' : 'gone';
  assertHolds(answer.kind === expected, `on a record that the store lost ${verb} is ${expected}`);
  if (expected === 'gone') assertHolds(after === delivered.before, 'gone writes nothing');
  else checkRestored(after, by);
}

function checkRestored(after: StoredRecord | null, by: LeaseIdentity | Lease): void {
  assertHolds(after !== null && 'attempt' in by, 'restored is written by a lease');
  const { key: _key, leaseEndAt: _leaseEndAt, ...carried } = by;
  const facts = Object.entries(carried);
  const found: ReadonlyMap<string, unknown> = new Map(Object.entries(after));
  for (const [name, value] of facts) assertHolds(found.get(name) === value, `restored keeps ${name}`);
}
