// Copies bytes on their way in and out, so that a caller that keeps a buffer cannot change a record.
import type { AcquireReply, Standing } from '../../protocol/messages.js';
import type { StepEntry, StoredRecord } from '../../protocol/record.js';

/** `slice` would not do: the slice of a Buffer is a view of the same memory. */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

export function copyBytesOrNull(bytes: Uint8Array | null): Uint8Array | null {
  return bytes === null ? null : copyBytes(bytes);
}

export function copyAcquireReply(reply: AcquireReply): AcquireReply {
  switch (reply.kind) {
    case 'acquired':
      return { ...reply, steps: copySteps(reply.steps) };
    case 'completed':
      return { ...reply, outcome: copyBytes(reply.outcome) };
    default:
      return reply;
  }
}

export function copyStanding(standing: Standing): Standing {
  return standing.kind === 'completed' ? { ...standing, outcome: copyBytes(standing.outcome) } : standing;
}

/** The record as of `now`. An outcome that has expired is left out, even if its bytes are not freed yet. */
export function copyRecord(record: StoredRecord, now: number): StoredRecord {
  const outcome = now < record.outcomeEndAt ? copyBytesOrNull(record.outcome) : null;
  return { ...record, outcome, steps: copySteps(record.steps) };
}

function copySteps(steps: ReadonlyMap<string, StepEntry>): Map<string, StepEntry> {
  if (steps.size === 0) return new Map();
  return new Map([...steps].map(([step, { seq, bytes }]) => [step, { seq, bytes: copyBytes(bytes) }]));
}
