// A record as it lies on disk, read back as the protocol's. `scripts/record.ts` has the table of its bytes.
import {
  blankRecord,
  type RecordState,
  type Resolution,
  recordLayout,
  type StepEntry,
  type StoredRecord,
} from '../protocol/record.js';
import type { Reply } from './reply.js';
import { recordMark } from './scripts/record.js';

const states: Readonly<Record<string, RecordState>> = {
  p: 'in_progress',
  r: 'retryable',
  u: 'unknown',
  c: 'completed',
  x: 'removed',
};

/** The reply of the read script. */
export function readAnswer(reply: Reply): { readonly now: number; readonly record: StoredRecord | null } {
  const now = reply.number();
  if (reply.word(['absent', 'found']) === 'absent') return { now, record: null };
  const record = recordIn(reply);
  return { now, record: now < record.outcomeEndAt ? record : { ...record, outcome: null } };
}

/** The rest of a reply: a record, the bytes beside it or null, and its steps. */
export function recordIn(reply: Reply): StoredRecord {
  const raw = reply.bytes();
  const beside = reply.bytesOrNull();
  const steps = reply.hasMore ? stepsIn(reply) : blankRecord.steps;
  const at = recordMark.length;
  const state = states[raw.toString('latin1', at, at + 1)];
  if (state === undefined || raw.length < at + leastBytes) throw reply.nonsense('no record');
  const flag = (index: number) => raw[at + 1 + index] === 1;
  const number = (index: number) => numberAt(raw, at + 5 + 8 * index, reply);
  const texts = new Texts(raw, at + 45, reply);
  const [expiresAt, untilAt, extra] = [number(2), number(3), number(4)];
  const inProgress = state === 'in_progress';
  const completed = state === 'completed';
  return {
    layout: recordLayout,
    state,
    token: texts.next(1),
    fingerprint: texts.next(1) || null,
    fence: number(0),
    attempt: number(1),
    takeover: flag(0),
    recovering: flag(1),
    guarded: flag(2),
    steps,
    note: texts.next(2) || null,
    resolved: resolution(texts.next(2), reply),
    expiresAt,
    leaseEndAt: inProgress ? untilAt : 0,
    leaseMs: inProgress ? extra : 0,
    retryAt: state === 'unknown' && untilAt > 0 ? untilAt : null,
    completedAt: completed ? extra : null,
    outcome: completed && untilAt > 0 ? (flag(3) ? beside : texts.rest()) : null,
    outcomeEndAt: completed ? untilAt : 0,
  };
}

/** Behind the mark, of a record whose texts are all empty. */
const leastBytes = 1 + 4 + 5 * 8 + 1 + 1 + 2 + 2;

function numberAt(raw: Buffer, at: number, reply: Reply): number {
  const number = raw.readDoubleBE(at);
  if (!Number.isSafeInteger(number)) throw reply.nonsense('no number');
  return number;
}

/** Texts, each behind its length, and what follows the last. */
class Texts {
  constructor(
    private readonly raw: Buffer,
    private at: number,
    private readonly reply: Reply,
  ) {}

  next(lengthBytes: 1 | 2): string {
    const from = this.at + lengthBytes;
    if (from <= this.raw.length) this.at = from + this.raw.readUIntBE(this.at, lengthBytes);
    if (Math.max(from, this.at) > this.raw.length) throw this.reply.nonsense('no text');
    return this.raw.toString('utf8', from, this.at);
  }

  rest(): Buffer {
    return this.raw.subarray(this.at);
  }
}

/** Steps stand at the end of a reply: their names, each with its value. */
function stepsIn(reply: Reply): Map<string, StepEntry> {
  const found = new Map<string, StepEntry>();
  while (reply.hasMore) found.set(reply.text(), stepEntry(reply));
  return found;
}

function stepEntry(reply: Reply): StepEntry {
  const value = reply.bytes();
  const colon = value.indexOf(':');
  const seq = Number(value.toString('latin1', 0, colon));
  if (colon < 1 || !Number.isSafeInteger(seq)) throw reply.nonsense('no step');
  return { seq, bytes: value.subarray(colon + 1) };
}

const resolutionPattern = /^(\d{1,16}) (done|not_done) (\[.*\])$/s;

function resolution(text: string, reply: Reply): Resolution | null {
  if (text === '') return null;
  const [, fence, as, why = ''] = resolutionPattern.exec(text) ?? [];
  const [by, reason]: unknown[] = parsed(why);
  if ((as !== 'done' && as !== 'not_done') || typeof by !== 'string' || typeof reason !== 'string') {
    throw reply.nonsense('no resolution');
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
