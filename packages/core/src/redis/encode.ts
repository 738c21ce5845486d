// The arguments of the verbs as the scripts take them: in order, none as the empty string, bytes as they are.
import type { AcquireRequest, Checkpoint, Completion, Holder, Lease, Release, Resolve } from '../protocol/messages.js';

type Argument = string | Buffer | number;

export function acquireArguments(request: AcquireRequest): Argument[] {
  const { token, fingerprint, leaseMs, onAbandoned, notAfter, fenceSeen, recordTtlMs, unknownTtlMs } = request;
  return [token, fingerprint ?? '', leaseMs, onAbandoned, notAfter, fenceSeen, recordTtlMs, unknownTtlMs];
}

export function renewArguments(lease: Lease, leaseMs: number): Argument[] {
  return [...leaseArguments(lease), leaseMs];
}

export function checkpointArguments(lease: Lease, { step, seq, bytes }: Checkpoint): Argument[] {
  return [...leaseArguments(lease), step, seq, buffer(bytes)];
}

export function completeArguments(lease: Lease, completion: Completion): Argument[] {
  const { outcome, outcomeTtlMs, note, notAfter } = completion;
  return [...leaseArguments(lease), ...outcomeArguments(outcome), outcomeTtlMs, note ?? '', notAfter];
}

export function releaseArguments(holder: Holder, how: Release): Argument[] {
  const said = how.as === 'unknown' ? how : { retryAfterMs: null, note: null };
  return [...holderArguments(holder), how.as, said.retryAfterMs ?? '', said.note ?? ''];
}

export function resolveArguments(request: Resolve): Argument[] {
  const { expectFence, as, by, reason, outcome, outcomeTtlMs, note, recordTtlMs, unknownTtlMs } = request;
  const why = JSON.stringify([by, reason]);
  return [expectFence, as, why, ...outcomeArguments(outcome), outcomeTtlMs, note ?? '', recordTtlMs, unknownTtlMs];
}

function holderArguments({ token, fence, recordTtlMs, unknownTtlMs }: Holder): Argument[] {
  return [token, fence ?? '', recordTtlMs, unknownTtlMs];
}

function leaseArguments(lease: Lease): Argument[] {
  const { fingerprint, attempt, takeover, recovering, guarded, leaseEndAt } = lease;
  const flags = [takeover, recovering, guarded].map(Number);
  return [...holderArguments(lease), fingerprint ?? '', attempt, ...flags, leaseEndAt];
}

/** Empty bytes are an outcome, so whether there are any is said beside them. */
function outcomeArguments(outcome: Uint8Array | null): Argument[] {
  return outcome === null ? [0, ''] : [1, buffer(outcome)];
}

/** ioredis sends Buffers as they are, and makes text of any other bytes. */
function buffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
