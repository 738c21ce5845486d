// Checks the arguments of each verb, and encodes them in the order in which its script reads them. An empty string stands for null.
import { isAscii } from 'node:buffer';
import {
  checkAcquire,
  checkCheckpoint,
  checkComplete,
  checkKey,
  checkRelease,
  checkRenew,
  checkResolve,
} from '../../../protocol/argument-checks.js';
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
import { type CommandArgument, isTooLargeToBatch } from './command-argument.js';
import { keyExpiryGraceMs } from './scripts/record-layout.js';

/** The script publishes the end of the current attempt only if this store is subscribed to such messages. */
export function encodeAcquireArguments(key: string, request: AcquireRequest, isSubscribed: boolean): CommandArgument[] {
  checkAcquire(key, request);
  const { leaseMs, onAbandoned } = request;
  // A list of fixed length: a list that grows by spreading is copied several times.
  const args: CommandArgument[] = [
    request.ownerToken,
    request.fingerprint ?? '',
    leaseMs,
    onAbandoned,
    request.notAfter,
    request.lastSeenFencingToken,
    request.recordTtlMs,
    request.outcomeTtlMs,
    request.unknownTtlMs,
    request.operation,
    request.label ?? '',
    request.traceparent ?? '',
    leaseMs + recordExpiry(0, onAbandoned !== 'rerun', request) + keyExpiryGraceMs,
  ];
  if (isSubscribed && request.notifyOnEnd === true) args.push('announce');
  return args;
}

export function encodeRenewArguments(lease: Lease, leaseMs: number): CommandArgument[] {
  checkRenew(lease, leaseMs);
  const { ownerToken, fencingToken, recordTtlMs, leaseEndAt } = lease;
  return [ownerToken, fencingToken, encodeLease(lease), recordTtlMs, guardedTtlMs(lease), leaseEndAt, leaseMs];
}

export function encodeCheckpointArguments(lease: Lease, checkpoint: Checkpoint): CommandArgument[] {
  checkCheckpoint(lease, checkpoint);
  const { step, seq, bytes } = checkpoint;
  return [lease.ownerToken, lease.fencingToken, step, seq, encodeBytes(bytes)];
}

export function encodeCompleteArguments(lease: Lease, completion: Completion): CommandArgument[] {
  checkComplete(lease, completion);
  const { ownerToken, fencingToken, recordTtlMs } = lease;
  const { outcome, outcomeTtlMs, note, notAfter } = completion;
  // Empty bytes are a valid outcome; an empty lifetime says that there is none.
  const outcomeKeyLifeMs = outcome === null ? '' : outcomeTtlMs + keyExpiryGraceMs;
  const bytes = outcome === null ? '' : encodeBytes(outcome);
  const keyLifeMs = recordTtlMs + keyExpiryGraceMs;
  return [ownerToken, fencingToken, encodeLease(lease), keyLifeMs, outcomeKeyLifeMs, bytes, note ?? '', notAfter];
}

export function encodeReleaseArguments(holder: LeaseIdentity, release: ReleaseRequest): CommandArgument[] {
  checkRelease(holder, release);
  const { ownerToken, fencingToken, recordTtlMs } = holder;
  const { retryAfterMs, note } = release.as === 'unknown' ? release : { retryAfterMs: null, note: null };
  const unbind = release.as === 'retryable' && release.unbindFingerprint === true ? ['unbind'] : [];
  const ttls = [recordTtlMs, guardedTtlMs(holder)];
  return [ownerToken, fencingToken ?? '', release.as, retryAfterMs ?? '', note ?? '', ...ttls, ...unbind];
}

export function encodeResolveArguments(key: string, request: ResolveRequest): CommandArgument[] {
  checkResolve(key, request);
  const { expectedFencingToken, as, by, reason, recordTtlMs, outcomeTtlMs, outcome, note } = request;
  const ttls = [recordTtlMs ?? '', outcomeTtlMs ?? ''];
  const outcomeArguments = outcome === null ? ['', note ?? ''] : [encodeBytes(outcome), note ?? '', 'outcome'];
  return [expectedFencingToken, as, JSON.stringify([by, reason]), ...ttls, ...outcomeArguments];
}

/** Of a verb that takes a key alone. */
export function encodeNothing(key: string): CommandArgument[] {
  checkKey(key);
  return [];
}

/** How long a guarded or an unknown record lives after its lease. */
function guardedTtlMs(retention: RecordRetention): number {
  return recordExpiry(0, true, retention);
}

/** The fields from which a script can write the record again after Redis has lost it. */
function encodeLease(lease: Lease): string {
  const { takeover, recovering, guarded, fingerprintBound, attempt, outcomeTtlMs, unknownTtlMs } = lease;
  const { firstAcquiredAt, acquiredAt, fingerprint, traceparent, operation, label } = lease;
  const flags = `${Number(takeover)}${Number(recovering)}${Number(guarded)}${Number(fingerprintBound)}`;
  const numbers = `${attempt} ${outcomeTtlMs} ${unknownTtlMs} ${firstAcquiredAt} ${acquiredAt}`;
  return `${flags} ${numbers} ${fingerprint ?? ''} ${traceparent ?? ''}\n${operation}\n${label ?? ''}`;
}

/**
 * ioredis sends a Buffer as it is and a string as UTF-8. ASCII text has the same bytes in both forms. A command without a
 * Buffer is one piece of text, which costs less than several pieces. Large bytes are sent by themselves, and stay a Buffer.
 */
function encodeBytes(bytes: Uint8Array): CommandArgument {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return isTooLargeToBatch(buffer) || !isAscii(buffer) ? buffer : buffer.toString('latin1');
}
