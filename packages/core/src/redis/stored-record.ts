// A record as it lies on disk, read back as the protocol's.
import {
  blankRecord,
  type RecordState,
  type Resolution,
  type StepEntry,
  type StoredRecord,
} from '../protocol/record.js';
import { stepEntry } from './answers.js';
import { Reply } from './reply.js';
import { stepMark } from './scripts/record.js';

type Fields = ReadonlyMap<string, Buffer>;

const states: readonly RecordState[] = ['in_progress', 'retryable', 'unknown', 'completed', 'removed'];

/** The reply of the read script. Its fields are decoded by the table in `scripts/record.ts`. */
export function readAnswer(reply: Reply): { readonly now: number; readonly record: StoredRecord | null } {
  const now = reply.number();
  if (reply.word(['absent', 'found']) === 'absent') return { now, record: null };
  const outcome = reply.bytesOrNull();
  const fields = new Map<string, Buffer>();
  const steps = new Map<string, StepEntry>();
  while (reply.hasMore) {
    const field = reply.text();
    if (field.startsWith(stepMark)) steps.set(field.slice(stepMark.length), stepEntry(reply));
    else fields.set(field, reply.bytes());
  }
  return { now, record: { ...decode(fields), steps, outcome } };
}

function decode(fields: Fields): StoredRecord {
  const field = (name: string) => new Reply('read', [fields.get(name)]);
  return {
    ...blankRecord,
    layout: field('v').number(),
    state: field('s').word(states),
    fingerprint: field('f').textOrNull(),
    token: field('t').text(),
    fence: field('n').number(),
    attempt: field('a').number(),
    leaseEndAt: field('e').number(),
    leaseMs: field('l').number(),
    takeover: field('k').flag(),
    recovering: field('r').flag(),
    guarded: field('g').flag(),
    note: field('w').textOrNull(),
    retryAt: field('y').numberOrNull(),
    resolved: resolution(field('d')),
    expiresAt: field('x').number(),
    completedAt: field('c').numberOrNull(),
    outcomeEndAt: field('o').number(),
  };
}

const resolutionPattern = /^(\d{1,16}) (done|not_done) (\[.*\])$/s;

function resolution(field: Reply): Resolution | null {
  const text = field.textOrNull();
  if (text === null) return null;
  const [, fence, as, why = ''] = resolutionPattern.exec(text) ?? [];
  const [by, reason]: unknown[] = parsed(why);
  if ((as !== 'done' && as !== 'not_done') || typeof by !== 'string' || typeof reason !== 'string') {
    throw field.nonsense('no resolution');
  }
  return { fence: Number(fence), as, by, reason };
}

function parsed(json: string): unknown[] {
  try {
    const value: unknown = JSON.parse(json);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
