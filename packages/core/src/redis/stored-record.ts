// A record as it lies on disk, read back as the protocol's. `scripts/record.ts` has the table of its bytes.

import { timeLimitMs } from '../protocol/arguments.js';
import {
  blankRecord,
  type RecordState,
  type Resolution,
  recordLayout,
  type StepEntry,
  type StoredRecord,
} from '../protocol/record.js';
import type { Reply } from './reply.js';
import { checksumLength, recordMark } from './scripts/record.js';

/** By the byte that stands for them: p and w, r, u, c, x. */
const states: Readonly<Record<number, RecordState>> = {
  112: 'in_progress',
  119: 'in_progress',
  114: 'retryable',
  117: 'unknown',
  99: 'completed',
  120: 'removed',
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
  const state = states[raw[stateAt] ?? 0];
  if (state === undefined || raw.length < textsAt + leastTexts) throw reply.damaged('has no known state');
  const [fence, attempt, expiresAt, untilAt, extra, recordTtlMs, outcomeTtlMs, unknownTtlMs] = numbersIn(raw, reply);
  const texts = new Texts(raw, reply);
  const inProgress = state === 'in_progress';
  const completed = state === 'completed';
  return {
    layout: recordLayout,
    state,
    token: texts.next(1),
    fingerprint: texts.next(1) || null,
    fence,
    attempt,
    takeover: raw[flagsAt] === 1,
    recovering: raw[flagsAt + 1] === 1,
    guarded: raw[flagsAt + 2] === 1,
    bound: raw[flagsAt + 3] === 1,
    recordTtlMs,
    outcomeTtlMs,
    unknownTtlMs,
    steps,
    note: texts.next(2) || null,
    decisions: decisionsIn(texts.next(2), reply),
    expiresAt,
    leaseEndAt: inProgress ? untilAt : 0,
    leaseMs: inProgress ? extra : 0,
    retryAt: state === 'unknown' && untilAt > 0 ? untilAt : null,
    completedAt: completed ? extra : null,
    outcome: completed && untilAt > 0 ? (raw[flagsAt + 4] === 1 ? beside : texts.rest()) : null,
    outcomeEndAt: completed ? untilAt : 0,
  };
}

const stateAt = recordMark.length + checksumLength;
const flagsAt = stateAt + 1;
const numbersAt = flagsAt + 5;
const textsAt = numbersAt + 8 * 8;
/** The lengths of the four. */
const leastTexts = 1 + 1 + 2 + 2;

type Eight = [number, number, number, number, number, number, number, number];

function numbersIn(raw: Buffer, reply: Reply): Eight {
  const at = (index: number): number => {
    const number = raw.readDoubleBE(numbersAt + 8 * index);
    if (Number.isInteger(number) && number >= 0 && number < timeLimitMs) return number;
    throw reply.damaged('has a number that is none');
  };
  return [at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)];
}

/** Texts, each behind its length, and what follows the last. */
class Texts {
  #at = textsAt;

  constructor(
    private readonly raw: Buffer,
    private readonly reply: Reply,
  ) {}

  next(lengthBytes: 1 | 2): string {
    const { raw } = this;
    const from = this.#at + lengthBytes;
    const length = lengthBytes === 1 ? raw[from - 1] : raw.readUInt16BE(from - 2);
    if (length === undefined || from + length > raw.length) throw this.reply.damaged('is cut off');
    this.#at = from + length;
    return length === 0 ? '' : raw.toString('utf8', from, this.#at);
  }

  rest(): Buffer {
    return this.raw.subarray(this.#at);
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
  if (colon < 1 || !Number.isSafeInteger(seq) || seq < 0) throw reply.damaged('has a step without a number');
  return { seq, bytes: value.subarray(colon + 1) };
}

const decisionPattern = /^(\d{1,15}) (done|not_done) (\d{1,15}) (\[.*\])$/;

function decisionsIn(text: string, reply: Reply): readonly Resolution[] {
  if (text === '') return blankRecord.decisions;
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => decisionIn(line, reply));
}

function decisionIn(line: string, reply: Reply): Resolution {
  const [, fence, as, at, why = ''] = decisionPattern.exec(line) ?? [];
  const [by, reason]: unknown[] = parsed(why);
  if ((as !== 'done' && as !== 'not_done') || typeof by !== 'string' || typeof reason !== 'string') {
    throw reply.damaged('has a decision that is none');
  }
  return { fence: Number(fence), as, by, reason, at: Number(at) };
}

function parsed(json: string): unknown[] {
  try {
    const value: unknown = JSON.parse(json);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
