// The arguments of the verbs as the scripts take them: in order, none as the empty string, bytes as they are.
import { isAscii } from 'node:buffer';
import { lifeEnd } from '../protocol/life.js';
import type {
  AcquireRequest,
  Checkpoint,
  Completion,
  Holder,
  Lease,
  RecordTerms,
  Release,
  Resolve,
} from '../protocol/messages.js';
import type { Argument } from './client.js';
import { isLarge } from './outbox.js';

/** An end is announced to those who hear it. */
export function acquireArguments(request: AcquireRequest, hearsOfEnds: boolean): Argument[] {
  const { token, fingerprint, leaseMs, onAbandoned, notAfter, fenceSeen, awaited } = request;
  const terms = [request.recordTtlMs, request.outcomeTtlMs, request.unknownTtlMs];
  const waits = hearsOfEnds && awaited === true ? ['waits'] : [];
  return [token, fingerprint ?? '', leaseMs, onAbandoned, notAfter, fenceSeen, ...terms, ...waits];
}

export function renewArguments(lease: Lease, leaseMs: number): Argument[] {
  const { token, fence, recordTtlMs, leaseEndAt } = lease;
  return [token, fence, anew(lease), recordTtlMs, doubtfulTtlMs(lease), leaseEndAt, leaseMs];
}

export function checkpointArguments({ token, fence }: Lease, { step, seq, bytes }: Checkpoint): Argument[] {
  return [token, fence, step, seq, binary(bytes)];
}

export function completeArguments(lease: Lease, completion: Completion): Argument[] {
  const { token, fence, recordTtlMs } = lease;
  return [token, fence, anew(lease), recordTtlMs, ...outcomeArguments(completion), completion.notAfter];
}

export function releaseArguments(holder: Holder, how: Release): Argument[] {
  const { token, fence, recordTtlMs } = holder;
  const said = how.as === 'unknown' ? how : { retryAfterMs: null, note: null };
  const { retryAfterMs, note } = said;
  const unbinds = how.as === 'retryable' && how.unbind === true ? ['unbind'] : [];
  const terms = [recordTtlMs, doubtfulTtlMs(holder)];
  return [token, fence ?? '', how.as, retryAfterMs ?? '', note ?? '', ...terms, ...unbinds];
}

export function resolveArguments(request: Resolve): Argument[] {
  const { expectFence, as, by, reason, recordTtlMs, outcomeTtlMs, outcome, note } = request;
  const times = [recordTtlMs ?? '', outcomeTtlMs ?? ''];
  const found = outcome === null ? ['', note ?? ''] : [binary(outcome), note ?? '', 'outcome'];
  return [expectFence, as, JSON.stringify([by, reason]), ...times, ...found];
}

/** How long guarded and unknown records live on. */
function doubtfulTtlMs(terms: RecordTerms): number {
  return lifeEnd(0, true, terms);
}

/** What is needed to write the record anew. */
function anew(lease: Lease): string {
  const { takeover, recovering, guarded, bound, attempt, outcomeTtlMs, unknownTtlMs, fingerprint } = lease;
  const flags = [takeover, recovering, guarded, bound].map(Number).join('');
  return `${flags} ${attempt} ${outcomeTtlMs} ${unknownTtlMs} ${fingerprint ?? ''}`;
}

/** Empty bytes are an outcome; without one there is no time for how long it is kept. */
function outcomeArguments({ outcome, outcomeTtlMs, note }: Completion): [Argument, Argument, string] {
  return outcome === null ? ['', '', note ?? ''] : [outcomeTtlMs, binary(outcome), note ?? ''];
}

/**
 * ioredis sends Buffers as they are, and strings as UTF-8, which is the same of a text in ASCII. In a pipeline that costs less; a
 * large one is sent alone.
 */
function binary(bytes: Uint8Array): Argument {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return isLarge(buffer) || !isAscii(buffer) ? buffer : buffer.toString('latin1');
}
