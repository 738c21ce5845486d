// What holds of every single delivery, whatever the store has lost and wherever its clock stands.
import { type Holder, type Lease, restoreTtlMs, type StoredRecord } from '../../../packages/core/src/protocol/index.js';
import { type Delivered, must } from './message.js';

export function checkAlways(delivered: Delivered): void {
  const { now, after, verb } = delivered;
  const before = delivered.before !== null && now < delivered.before.expiresAt ? delivered.before : null;
  const changed = after !== delivered.before;
  if (before?.state === 'completed' && verb !== 'remove') must(!changed, 'what is completed stays as it is');
  if (changed && before !== null && after !== null) checkGrowth(delivered, before, after);
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
      must(before !== null || !changed, 'resolve writes nothing where there is nothing');
      if (changed) must(delivered.answer.kind === 'ok', 'resolve says so when it decides');
      break;
    case 'remove':
      break;
  }
}

function checkGrowth({ verb, now }: Delivered, before: StoredRecord, after: StoredRecord): void {
  must(after.fence >= before.fence, 'the fencing token of a key never falls');
  const ends = verb === 'complete' && before.fence === after.fence && !before.recovering;
  const isNew = before.state === 'removed';
  const isFree = verb === 'release' && after.state === 'retryable' && after.steps.size === 0;
  const least = isFree ? Math.min(before.expiresAt, now + restoreTtlMs) : before.expiresAt;
  if (!ends && !isNew && verb !== 'remove') must(after.expiresAt >= least, 'a life is never shortened');
  if (isFree) must(after.expiresAt <= Math.max(now + restoreTtlMs, before.leaseEndAt), 'a free record lives an hour');
  const same = before.token === after.token && before.fence === after.fence && after.state === 'in_progress';
  if (same) must(after.leaseEndAt >= before.leaseEndAt, 'a lease is never shortened');
  if (after.state === 'in_progress' && verb === 'renew') must(after.steps === before.steps, 'renew keeps the steps');
}

function checkAcquire(
  { now, after, answer, request }: Extract<Delivered, { verb: 'acquire' }>,
  before: StoredRecord | null,
  changed: boolean,
): void {
  must(changed === (answer.kind === 'acquired'), 'acquire changes a record exactly if it answers acquired');
  if (answer.kind === 'in_progress') {
    const most = before?.leaseMs ?? 0;
    must(answer.retryAfterMs > 0 && answer.retryAfterMs <= most, 'nobody is told to wait longer than a lease');
  }
  if (answer.kind !== 'acquired' || after === null) return;
  must(now <= request.notAfter, 'no late copy of an acquisition executes');
  if (before?.token === after.token && before.fence === after.fence) return;
  const least = Math.max(now, (before?.fence ?? 0) + 1, request.fenceSeen + 1);
  must(answer.fence >= least && answer.fence === after.fence, 'the fencing token grows with each execution');
}

function checkOwner(delivered: Delivered, before: StoredRecord | null, by: Holder | Lease, inTime: boolean): void {
  const { answer, after, verb } = delivered;
  const fence = by.fence ?? 0;
  const byToken = delivered.verb === 'release' && delivered.how.as === 'not_started';
  const own = before?.token === by.token && (before.fence === by.fence || byToken);
  const finished = before?.state === 'completed' || before?.state === 'removed';
  if (own) return;
  if (before !== null && (finished || before.fence >= fence)) {
    must(answer.kind === 'lost' && after === delivered.before, 'a stale owner is told so, and changes nothing');
    return;
  }
  const newer = delivered.before !== null && delivered.before.fence > fence;
  const expected = inTime && !newer ? 'restored' : 'gone';
  must(answer.kind === expected, `on a record that the store lost ${verb} is ${expected}`);
  if (expected === 'gone') must(after === delivered.before, 'gone writes nothing');
  else checkRestored(after, by);
}

function checkRestored(after: StoredRecord | null, by: Holder | Lease): void {
  must(after !== null && 'attempt' in by, 'restored is written by a lease');
  const { key: _key, leaseEndAt: _leaseEndAt, ...carried } = by;
  const facts = Object.entries(carried);
  const found: ReadonlyMap<string, unknown> = new Map(Object.entries(after));
  for (const [name, value] of facts) must(found.get(name) === value, `restored keeps ${name}`);
}
