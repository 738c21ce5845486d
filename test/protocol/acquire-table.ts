// The rows of the table of acquire, and the parts that several rows share.
import { expect } from 'vitest';
import { type AcquireRequest, acquire, type StoredRecord } from '../../packages/core/src/protocol/index.js';
import { at, fencingToken, leaseMs, request, steps } from './builders.js';

export interface AcquireRow {
  readonly record: StoredRecord | null;
  readonly request?: Partial<AcquireRequest>;
  readonly reply: Record<string, unknown>;
  /** What changes in the record. Absent if nothing changes; required if the reply is `acquired`. */
  readonly becomes?: Partial<StoredRecord>;
}

export const leaseEndAt = at + leaseMs;
const flags = { takeover: false, recovering: false, guarded: false };
export const firstAttempt = { kind: 'acquired', attempt: 1, ...flags, leaseEndAt };
export const nextAttempt = { ...firstAttempt, attempt: 2, fencingToken: fencingToken + 1, steps };
export const takenOver = {
  state: 'in_progress',
  ownerToken: 'other',
  attempt: 2,
  fencingToken: fencingToken + 1,
  leaseEndAt,
  leaseMs,
} as const;
export const recover = { onAbandoned: 'recover' } as const;
export const ownToken = { ownerToken: 'mine' } as const;
export const unchangedFacts = { fencingToken, attempt: 1, ...flags, steps };

export function expectRow(row: AcquireRow): void {
  const transition = acquire(row.record, request(row.request), at);
  expect(transition.reply).toMatchObject({ ...row.reply, now: at });
  if (row.becomes === undefined) expect(transition.record).toBe(row.record);
  else expect(transition.record).toMatchObject(row.becomes);
}
