// Records, requests and leases for the table tests. `at` is now; the lease of the owner token "mine" began a little earlier.
import type {
  AcquireRequest,
  Completion,
  Lease,
  ResolveRequest,
  StoredRecord,
} from '../../packages/core/src/protocol/index.js';
import { blankRecord } from '../../packages/core/src/protocol/record.js';

export const at = 1_000_000;
export const leaseMs = 100;
export const retention = { recordTtlMs: 1_000, outcomeTtlMs: 300, unknownTtlMs: 5_000 } as const;
/** Above the time, so that a token derived from the previous one differs from a token derived from the clock. */
export const fencingToken = at + 7;

const description = { operation: 'POST /payments', label: null, traceparent: null } as const;

export const bytes = (text: string): Uint8Array => Buffer.from(text);
export const steps = new Map([['charge', { seq: 1, bytes: bytes('ch_1') }]]);

/** In progress, with a lease of `mine` that is alive. */
export const running: StoredRecord = {
  ...blankRecord,
  ...retention,
  fingerprint: 'v1:a',
  ownerToken: 'mine',
  fencingToken,
  attempt: 1,
  ...description,
  firstAcquiredAt: at - 90,
  acquiredAt: at - 40,
  leaseEndAt: at + 60,
  leaseMs,
  steps,
  expiresAt: at + 60 + retention.recordTtlMs,
};
export const abandoned: StoredRecord = { ...running, leaseEndAt: at, expiresAt: at + retention.recordTtlMs };
export const guarded: StoredRecord = {
  ...abandoned,
  guarded: true,
  note: 'old note',
  expiresAt: at + retention.unknownTtlMs,
};
const noLease = { leaseEndAt: 0, leaseMs: 0 };
export const retryable: StoredRecord = { ...running, ...noLease, state: 'retryable' };
export const unknown: StoredRecord = {
  ...running,
  ...noLease,
  state: 'unknown',
  note: 'old note',
  retryAt: at + 10,
  expiresAt: at + retention.unknownTtlMs,
};
export const completed: StoredRecord = {
  ...running,
  ...noLease,
  state: 'completed',
  steps: new Map(),
  note: '201',
  completedAt: at - 5,
  outcome: bytes('paid'),
  outcomeEndAt: at + 300,
  expiresAt: at + 995,
};
export const tombstone: StoredRecord = { ...completed, outcome: null };
export const removed: StoredRecord = {
  ...blankRecord,
  state: 'removed',
  fencingToken,
  expiresAt: at + 3_600_000,
};
export const expired = (record: StoredRecord): StoredRecord => ({ ...record, expiresAt: at });

export const records = { running, abandoned, guarded, retryable, unknown, completed, tombstone, removed } as const;

export function request(overrides: Partial<AcquireRequest> = {}): AcquireRequest {
  const fixed = {
    ownerToken: 'other',
    fingerprint: 'v1:a',
    onAbandoned: 'rerun',
    notAfter: at,
    lastSeenFencingToken: 0,
    ...description,
  } as const;
  const outcomeTtlMs = Math.min(retention.outcomeTtlMs, overrides.recordTtlMs ?? retention.recordTtlMs);
  return { ...retention, outcomeTtlMs, leaseMs, ...fixed, ...overrides };
}

/** The lease of the owner of `running`. */
export function lease(overrides: Partial<Lease> = {}): Lease {
  const facts = { attempt: 1, takeover: false, recovering: false, guarded: false, fingerprintBound: false };
  const times = { firstAcquiredAt: at - 90, acquiredAt: at - 40 };
  return {
    key: 'k',
    ownerToken: 'mine',
    fencingToken,
    fingerprint: 'v1:a',
    leaseEndAt: at + 60,
    ...retention,
    ...facts,
    ...description,
    ...times,
    ...overrides,
  };
}

/** A lease with a higher fencing token than every record here, as after the store lost the owner's last writes. */
export const newerLease = (overrides: Partial<Lease> = {}): Lease => {
  return lease({ ownerToken: 'newer', fencingToken: fencingToken + 1, attempt: 2, takeover: true, ...overrides });
};

export function completion(overrides: Partial<Completion> = {}): Completion {
  return { outcome: bytes('done'), outcomeTtlMs: 300, note: '200', notAfter: at + 1, ...overrides };
}

export function decision(overrides: Partial<ResolveRequest> = {}): ResolveRequest {
  const facts = { outcome: bytes('decided'), note: null, by: 'ops', reason: 'asked' };
  return {
    recordTtlMs: null,
    outcomeTtlMs: null,
    expectedFencingToken: fencingToken,
    as: 'not_done',
    ...facts,
    ...overrides,
  };
}
