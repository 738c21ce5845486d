// Which records are in doubt: their work began, has no outcome, and must not run again before somebody has decided.
import { isIntent, type StoredRecord } from './record.js';

/**
 * Whether the record is in doubt, or would be if its owner vanished. A store keeps an index of these records, so that listing those in
 * doubt costs in proportion to them.
 */
export function mayComeIntoDoubt({ state, guarded, steps }: StoredRecord): boolean {
  if (state === 'unknown') return true;
  return state === 'in_progress' && (guarded || hasIntent(steps));
}

/**
 * Whether somebody has to decide: the outcome is unknown, or nobody holds the lease of an attempt that is guarded or has a step whose
 * intent is recorded.
 */
export function isInDoubt(record: StoredRecord, now: number): boolean {
  return mayComeIntoDoubt(record) && now >= record.leaseEndAt;
}

function hasIntent(steps: StoredRecord['steps']): boolean {
  for (const entry of steps.values()) if (isIntent(entry)) return true;
  return false;
}
