// Calls of a store, with what a test does not care about filled in.
import assert from 'node:assert/strict';
import type { AcquireReply, AcquireRequest, Completion, Lease } from '@onceguard/core/store';
import { idempotencyProtocol } from '@onceguard/core/store';

const retention = { recordTtlMs: 86_400_000, outcomeTtlMs: 86_400_000, unknownTtlMs: 2_592_000_000 };

export function acquireRequest(changes: Partial<AcquireRequest> = {}): AcquireRequest {
  return {
    ownerToken: 'owner',
    fingerprint: 'v1:a',
    leaseMs: 60_000,
    onAbandoned: 'rerun',
    notAfter: 9e14,
    lastSeenFencingToken: 0,
    operation: 'test',
    label: null,
    traceparent: null,
    ...retention,
    ...changes,
  };
}

export function leaseOf(key: string, request: AcquireRequest, reply: AcquireReply): Lease {
  assert(reply.kind === 'acquired', `acquire replied ${reply.kind}`);
  const { ownerToken, fingerprint, recordTtlMs, outcomeTtlMs, unknownTtlMs } = request;
  const terms = { recordTtlMs, outcomeTtlMs, unknownTtlMs };
  return {
    key,
    ownerToken,
    fingerprint,
    ...terms,
    leaseEndAt: reply.leaseEndAt,
    ...idempotencyProtocol.attemptFacts(reply),
  };
}

export function completionOf(text: string): Completion {
  return { outcome: Buffer.from(text), outcomeTtlMs: retention.outcomeTtlMs, note: null, notAfter: 0 };
}
