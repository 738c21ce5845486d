// A row of the table of acquire, and what several rows answer or become.
import { expect } from 'vitest';
import { type AcquireRequest, acquire, type StoredRecord } from '../../packages/core/src/protocol/index.js';
import { at, fence, leaseMs, request, steps } from './builders.js';

export interface Row {
  readonly record: StoredRecord | null;
  readonly request?: Partial<AcquireRequest>;
  readonly answer: Record<string, unknown>;
  /** What changes in the record; required where the answer is `acquired`, and absent where nothing does. */
  readonly becomes?: Partial<StoredRecord>;
}

export const leaseEndAt = at + leaseMs;
const flags = { takeover: false, recovering: false, guarded: false };
export const first = { kind: 'acquired', attempt: 1, ...flags, leaseEndAt };
export const next = { ...first, attempt: 2, fence: fence + 1, steps };
export const took = {
  state: 'in_progress',
  token: 'other',
  attempt: 2,
  fence: fence + 1,
  leaseEndAt,
  leaseMs,
} as const;
export const recover = { onAbandoned: 'recover' } as const;
export const mine = { token: 'mine' } as const;
export const stays = { fence, attempt: 1, ...flags, steps };

export function expectRow(row: Row): void {
  const transition = acquire(row.record, request(row.request), at);
  expect(transition.answer).toMatchObject({ ...row.answer, now: at });
  if (row.becomes === undefined) expect(transition.record).toBe(row.record);
  else expect(transition.record).toMatchObject(row.becomes);
}
