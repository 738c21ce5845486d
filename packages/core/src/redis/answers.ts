// What the scripts reply, as answers of the protocol.
import type {
  AcquireAnswer,
  CheckpointAnswer,
  CompleteAnswer,
  ReleaseAnswer,
  RenewAnswer,
  ResolveAnswer,
  Standing,
} from '../protocol/messages.js';
import type { StepEntry } from '../protocol/record.js';
import type { Reply } from './reply.js';
import { stepMark } from './scripts/record.js';

const refusals = ['mismatch', 'in_progress', 'unknown', 'completed', 'expired'] as const;
const standings = [...refusals, 'retryable'] as const;

export function acquireAnswer(reply: Reply): AcquireAnswer {
  const now = reply.number();
  const kind = reply.word([...refusals, 'acquired', 'superseded']);
  switch (kind) {
    case 'superseded':
      return { kind, now };
    case 'acquired':
      return {
        kind,
        attempt: reply.number(),
        fence: reply.number(),
        takeover: reply.flag(),
        recovering: reply.flag(),
        guarded: reply.flag(),
        leaseEndAt: reply.number(),
        steps: steps(reply),
        now,
      };
    default:
      return { ...standing(kind, reply), now };
  }
}

export function renewAnswer(reply: Reply): RenewAnswer {
  const now = reply.number();
  const kind = reply.word(['ok', 'restored', 'lost', 'gone']);
  if (kind === 'lost' || kind === 'gone') return { kind, now };
  return { kind, leaseEndAt: reply.number(), now };
}

/** Of checkpoint and release. */
export function plainAnswer(reply: Reply): CheckpointAnswer & ReleaseAnswer {
  const now = reply.number();
  return { kind: reply.word(['ok', 'lost', 'gone']), now };
}

export function completeAnswer(reply: Reply): CompleteAnswer {
  const now = reply.number();
  const kind = reply.word(['ok', 'restored', 'gone', 'lost']);
  if (kind !== 'lost') return { kind, now };
  return { kind, standing: standing(reply.word(standings), reply), now };
}

export function resolveAnswer(reply: Reply): ResolveAnswer {
  const now = reply.number();
  const kind = reply.word(['ok', 'gone', 'conflict']);
  if (kind !== 'conflict') return { kind, now };
  return { kind, standing: standing(reply.word(standings), reply), now };
}

/** Steps stand at the end of a reply: their fields, each with its value. */
function steps(reply: Reply): Map<string, StepEntry> {
  const found = new Map<string, StepEntry>();
  while (reply.hasMore) {
    const name = reply.text().slice(stepMark.length);
    found.set(name, stepEntry(reply));
  }
  return found;
}

export function stepEntry(reply: Reply): StepEntry {
  const value = reply.bytes();
  const colon = value.indexOf(':');
  const seq = Number(value.toString('latin1', 0, colon));
  if (colon < 1 || !Number.isSafeInteger(seq)) throw reply.nonsense('no step');
  return { seq, bytes: value.subarray(colon + 1) };
}

function standing<Kind extends Standing['kind']>(kind: Kind, reply: Reply): Extract<Standing, { kind: Kind }>;
function standing(kind: Standing['kind'], reply: Reply): Standing {
  switch (kind) {
    case 'mismatch':
      return { kind, version: reply.text() };
    case 'in_progress':
      return { kind, retryAfterMs: reply.number() };
    case 'retryable':
      return { kind };
    case 'unknown':
      return { kind, retryAfterMs: reply.numberOrNull(), note: reply.textOrNull() };
    case 'expired':
      return { kind, completedAt: reply.number(), note: reply.textOrNull() };
    case 'completed':
      return {
        kind,
        outcome: reply.bytes(),
        outcomeLeftMs: reply.number(),
        completedAt: reply.number(),
        note: reply.textOrNull(),
        attempt: reply.number(),
        fence: reply.number(),
      };
  }
}
