// The arguments of the verbs as the scripts take them: in order, none as the empty string, bytes as they are.
import { isAscii } from 'node:buffer';
import type {
  AcquireRequest,
  Checkpoint,
  Completion,
  Lease,
  LeaseIdentity,
  RecordRetention,
  ReleaseRequest,
  ResolveRequest,
} from '../../../protocol/messages.js';
import { recordExpiry } from '../../../protocol/record-lifetime.js';
import { isTooLargeToBatch } from '../connection/command-batcher.js';
import type { CommandArgument } from '../connection/redis-client.js';

/** An end is announced to those who hear it. */
export function acquireArguments(request: AcquireRequest, isSubscribed: boolean): CommandArgument[] {
  const { ownerToken, fingerprint, leaseMs, onAbandoned, notAfter, lastSeenFencingToken, notifyOnEnd } = request;
  const terms = [request.recordTtlMs, request.outcomeTtlMs, request.unknownTtlMs];
  const waits = isSubscribed && notifyOnEnd === true ? ['waits'] : [];
  return [ownerToken, fingerprint ?? '', leaseMs, onAbandoned, notAfter, lastSeenFencingToken, ...terms, ...waits];
}

export function renewArguments(lease: Lease, leaseMs: number): CommandArgument[] {
  const { ownerToken, fencingToken, recordTtlMs, leaseEndAt } = lease;
  return [ownerToken, fencingToken, leaseFields(lease), recordTtlMs, guardedTtlMs(lease), leaseEndAt, leaseMs];
}

export function checkpointArguments(
  { ownerToken, fencingToken }: Lease,
  { step, seq, bytes }: Checkpoint,
): CommandArgument[] {
  return [ownerToken, fencingToken, step, seq, encodeBytes(bytes)];
}

export function completeArguments(lease: Lease, completion: Completion): CommandArgument[] {
  const { ownerToken, fencingToken, recordTtlMs } = lease;
  return [
    ownerToken,
    fencingToken,
    leaseFields(lease),
    recordTtlMs,
    ...outcomeArguments(completion),
    completion.notAfter,
  ];
}

export function releaseArguments(holder: LeaseIdentity, how: ReleaseRequest): CommandArgument[] {
  const { ownerToken, fencingToken, recordTtlMs } = holder;
  const unknownDetails = how.as === 'unknown' ? how : { retryAfterMs: null, note: null };
  const { retryAfterMs, note } = unknownDetails;
  const unbinds = how.as === 'retryable' && how.unbindFingerprint === true ? ['unbind'] : [];
  const terms = [recordTtlMs, guardedTtlMs(holder)];
  return [ownerToken, fencingToken ?? '', how.as, retryAfterMs ?? '', note ?? '', ...terms, ...unbinds];
}

export function resolveArguments(request: ResolveRequest): CommandArgument[] {
  const { expectedFencingToken, as, by, reason, recordTtlMs, outcomeTtlMs, outcome, note } = request;
  const times = [recordTtlMs ?? '', outcomeTtlMs ?? ''];
  const found = outcome === null ? ['', note ?? ''] : [encodeBytes(outcome), note ?? '', 'outcome'];
  return [expectedFencingToken, as, JSON.stringify([by, reason]), ...times, ...found];
}

/** How long guarded and unknown records live on. */
function guardedTtlMs(terms: RecordRetention): number {
  return recordExpiry(0, true, terms);
}

/** What is needed to write the record anew. */
function leaseFields(lease: Lease): string {
  const { takeover, recovering, guarded, fingerprintBound, attempt, outcomeTtlMs, unknownTtlMs, fingerprint } = lease;
  const flags = [takeover, recovering, guarded, fingerprintBound].map(Number).join('');
  return `${flags} ${attempt} ${outcomeTtlMs} ${unknownTtlMs} ${fingerprint ?? ''}`;
}

/** Empty bytes are an outcome; without one there is no time for how long it is kept. */
function outcomeArguments({ outcome, outcomeTtlMs, note }: Completion): [CommandArgument, CommandArgument, string] {
  return outcome === null ? ['', '', note ?? ''] : [outcomeTtlMs, encodeBytes(outcome), note ?? ''];
}

/**
 * ioredis sends Buffers as they are, and strings as UTF-8, which is the same of a text in ASCII. In a pipeline that costs less; a
 * large one is sent alone.
 */
function encodeBytes(bytes: Uint8Array): CommandArgument {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return isTooLargeToBatch(buffer) || !isAscii(buffer) ? buffer : buffer.toString('latin1');
}
