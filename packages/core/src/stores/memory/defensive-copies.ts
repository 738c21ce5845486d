// Bytes are copied on the way in and on the way out, so that nobody who keeps a buffer can change what is recorded.
import type { AcquireReply, Standing } from '../../protocol/messages.js';
import type { StepEntry, StoredRecord } from '../../protocol/record.js';

/** Not `slice`: a Buffer's slice is a view. */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

export function copyBytesOrNull(bytes: Uint8Array | null): Uint8Array | null {
  return bytes === null ? null : copyBytes(bytes);
}

export function copyAcquireReply(answer: AcquireReply): AcquireReply {
  switch (answer.kind) {
    case 'acquired':
      return { ...answer, steps: copySteps(answer.steps) };
    case 'completed':
      return { ...answer, outcome: copyBytes(answer.outcome) };
    default:
      return answer;
  }
}

export function copyStanding(standing: Standing): Standing {
  return standing.kind === 'completed' ? { ...standing, outcome: copyBytes(standing.outcome) } : standing;
}

/** The record as it stands at `now`: bytes whose time is over are not shown, though they may not be freed yet. */
export function copyRecord(record: StoredRecord, now: number): StoredRecord {
  const outcome = now < record.outcomeEndAt ? copyBytesOrNull(record.outcome) : null;
  return { ...record, outcome, steps: copySteps(record.steps) };
}

function copySteps(steps: ReadonlyMap<string, StepEntry>): Map<string, StepEntry> {
  if (steps.size === 0) return new Map();
  return new Map([...steps].map(([step, { seq, bytes }]) => [step, { seq, bytes: copyBytes(bytes) }]));
}
