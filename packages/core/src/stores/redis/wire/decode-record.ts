// Decodes a record as Redis keeps it into the protocol's form. `scripts/record-layout.ts` has the table of its bytes.

import { recordNumberLimit } from '../../../protocol/argument-checks.js';
import {
  blankRecord,
  type RecordedDecision,
  type RecordState,
  recordLayout,
  type StepEntry,
  type StoredRecord,
} from '../../../protocol/record.js';
import type { ReplyReader } from './reply-reader.js';
import { checksumLength, recordMark } from './scripts/record-layout.js';

/** The state byte is a letter: p and w, r, u, c, x. */
const stateByByte: Readonly<Record<number, RecordState>> = {
  112: 'in_progress',
  119: 'in_progress',
  114: 'retryable',
  117: 'unknown',
  99: 'completed',
  120: 'removed',
};

/** Decodes the reply of the read script. */
export function decodeReadReply(reply: ReplyReader): { readonly now: number; readonly record: StoredRecord | null } {
  const now = reply.readNumber();
  if (reply.readOneOf(['absent', 'found']) === 'absent') return { now, record: null };
  const record = decodeRecord(reply);
  return { now, record: now < record.outcomeEndAt ? record : { ...record, outcome: null } };
}

/** Decodes the rest of a reply: the record, the outcome's bytes under the side key or null, and the steps. */
export function decodeRecord(reply: ReplyReader): StoredRecord {
  const raw = reply.readBytes();
  const sideBytes = reply.readBytesOrNull();
  const steps = reply.hasMore ? decodeSteps(reply) : blankRecord.steps;
  const state = stateByByte[raw[stateOffset] ?? 0];
  if (state === undefined || raw.length < textsOffset + minTextsLength)
    throw reply.damagedRecordError('has no known state');
  const [fencingToken, attempt, expiresAt, untilAt, leaseMsOrCompletedAt, ...durationsAndStarts] = decodeNumbers(
    raw,
    reply,
  );
  const [recordTtlMs, outcomeTtlMs, unknownTtlMs, firstAcquiredAt, acquiredAt] = durationsAndStarts;
  const texts = new TextReader(raw, reply);
  const inProgress = state === 'in_progress';
  const completed = state === 'completed';
  return {
    layout: recordLayout,
    state,
    ownerToken: texts.next(1),
    fingerprint: texts.next(1) || null,
    operation: texts.next(2),
    label: texts.next(2) || null,
    traceparent: texts.next(1) || null,
    fencingToken,
    attempt,
    takeover: raw[flagsOffset] === 1,
    recovering: raw[flagsOffset + 1] === 1,
    guarded: raw[flagsOffset + 2] === 1,
    fingerprintBound: raw[flagsOffset + 3] === 1,
    recordTtlMs,
    outcomeTtlMs,
    unknownTtlMs,
    firstAcquiredAt,
    acquiredAt,
    steps,
    note: texts.next(2) || null,
    decisions: decodeDecisions(texts.next(2), reply),
    expiresAt,
    leaseEndAt: inProgress ? untilAt : 0,
    leaseMs: inProgress ? leaseMsOrCompletedAt : 0,
    retryAt: state === 'unknown' && untilAt > 0 ? untilAt : null,
    completedAt: completed ? leaseMsOrCompletedAt : null,
    outcome: completed && untilAt > 0 ? (raw[flagsOffset + 4] === 1 ? sideBytes : texts.rest()) : null,
    outcomeEndAt: completed ? untilAt : 0,
  };
}

const stateOffset = recordMark.length + checksumLength;
const flagsOffset = stateOffset + 1;
const numbersOffset = flagsOffset + 6;
const textsOffset = numbersOffset + 8 * 10;
/** The length fields of the texts: token, fingerprint, operation, label, traceparent, note, decisions. */
const minTextsLength = 1 + 1 + 2 + 2 + 1 + 2 + 2;

type TenNumbers = [number, number, number, number, number, number, number, number, number, number];

function decodeNumbers(raw: Buffer, reply: ReplyReader): TenNumbers {
  const numberAt = (index: number): number => {
    const number = raw.readDoubleBE(numbersOffset + 8 * index);
    if (Number.isInteger(number) && number >= 0 && number < recordNumberLimit) return number;
    throw reply.damagedRecordError('has an invalid number');
  };
  const firstFive = [numberAt(0), numberAt(1), numberAt(2), numberAt(3), numberAt(4)] as const;
  return [...firstFive, numberAt(5), numberAt(6), numberAt(7), numberAt(8), numberAt(9)];
}

/** Reads the length-prefixed texts of a record, and then the bytes after the last text. */
class TextReader {
  #offset = textsOffset;

  constructor(
    private readonly raw: Buffer,
    private readonly reply: ReplyReader,
  ) {}

  next(lengthBytes: 1 | 2): string {
    const { raw } = this;
    const from = this.#offset + lengthBytes;
    const length = lengthBytes === 1 ? raw[from - 1] : raw.readUInt16BE(from - 2);
    if (length === undefined || from + length > raw.length) throw this.reply.damagedRecordError('is cut off');
    this.#offset = from + length;
    return length === 0 ? '' : raw.toString('utf8', from, this.#offset);
  }

  rest(): Buffer {
    return this.raw.subarray(this.#offset);
  }
}

/** Reads the steps at the end of a reply: each name, followed by its value. */
function decodeSteps(reply: ReplyReader): Map<string, StepEntry> {
  const steps = new Map<string, StepEntry>();
  while (reply.hasMore) steps.set(reply.readText(), decodeStep(reply));
  return steps;
}

function decodeStep(reply: ReplyReader): StepEntry {
  const value = reply.readBytes();
  const colon = value.indexOf(':');
  const seq = Number(value.toString('latin1', 0, colon));
  if (colon < 1 || !Number.isSafeInteger(seq) || seq < 0) throw reply.damagedRecordError('has a step without a number');
  return { seq, bytes: value.subarray(colon + 1) };
}

const decisionPattern = /^(\d{1,15}) (done|not_done) (\d{1,15}) (\[.*\])$/;

function decodeDecisions(text: string, reply: ReplyReader): readonly RecordedDecision[] {
  if (text === '') return blankRecord.decisions;
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => decodeDecision(line, reply));
}

function decodeDecision(line: string, reply: ReplyReader): RecordedDecision {
  const [, fence, as, at, why = ''] = decisionPattern.exec(line) ?? [];
  const [by, reason]: unknown[] = parseJsonArray(why);
  if ((as !== 'done' && as !== 'not_done') || typeof by !== 'string' || typeof reason !== 'string') {
    throw reply.damagedRecordError('has an invalid decision');
  }
  return { fencingToken: Number(fence), as, by, reason, at: Number(at) };
}

function parseJsonArray(json: string): unknown[] {
  try {
    const value: unknown = JSON.parse(json);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
