// Outcomes that nobody knows: which they are, and a person's decision about one.
import { isUint8Array } from 'node:util/types';
import { z } from 'zod';
import { addOutcomeChecksum, verifyOutcome, verifySteps } from '../engine/checksum.js';
import { deriveKeyFromRecordName } from '../engine/derived-key.js';
import { checkTombstone, retentionFields, storeField } from '../engine/policy.js';
import type { StepInDoubt } from '../engine/recovery.js';
import { StoreClient } from '../engine/store-client.js';
import { monotonicMs } from '../engine/time.js';
import { ConfigurationError } from '../errors.js';
import { functionFingerprintPrefix } from '../functions/payload-fingerprint.js';
import { parseOptions, wholeNumber } from '../parse-options.js';
import type { ResolveReply } from '../protocol/messages.js';
import { isIntent, type RecordedDecision, type StoredRecord } from '../protocol/record.js';
import type { IdempotencyStore } from '../store/port.js';
import { encodeValue } from '../value-codec.js';

/** Work that began and has no outcome, and at which nobody is. */
export interface Doubt {
  /** The record's name at the store, as events show it; never the client's key. */
  readonly recordName: string;
  /** `unknown`: an attempt said so when it ended. `abandoned`: its owner vanished. */
  readonly state: 'unknown' | 'abandoned';
  /** False: nobody has to decide, the next caller runs it again. It is stuck until one comes. */
  readonly needsDecision: boolean;
  readonly attempt: number;
  readonly fencingToken: number;
  /** The names of the steps whose results are on record. */
  readonly recordedSteps: readonly string[];
  /** The steps that began and went no further, with what the other system was given to recognise them by. */
  readonly stepsInDoubt: readonly StepInDoubt[];
  /** When it is worth asking again, in milliseconds of the store's clock; null: now. */
  readonly retryAt: number | null;
  /** Until when the record is kept. */
  readonly expiresAt: number;
  /** The terms of the attempt: what a decision records lives so long at least, in milliseconds. */
  readonly ttlMs: number;
  readonly tombstoneMs: number;
  readonly unknownTtlMs: number;
  /** The last five decisions about this work, oldest first. */
  readonly decisions: readonly RecordedDecision[];
}

export interface DoubtPage {
  readonly doubts: readonly Doubt[];
  /** How many keys look like records and cannot be read, so that nobody knows whether they are in doubt. */
  readonly skipped: number;
  /** For the next page; null: that was the last. */
  readonly cursor: string | null;
}

/**
 * A page of the work that has no outcome and nobody at it, in no order; it may be empty before the last. Not a snapshot: what changes
 * meanwhile may be missed or seen twice. `limit` is about how many records are looked at. Default 100.
 */
export async function listDoubts(
  store: IdempotencyStore,
  { cursor = null, limit = 100 }: { cursor?: string | null; limit?: number } = {},
): Promise<DoubtPage> {
  const page = await store.scan({ cursor, limit });
  const doubts = page.records.flatMap(({ key, record }) => toDoubt(key, record, page.now) ?? []);
  return { doubts, skipped: page.skipped, cursor: page.cursor };
}

function toDoubt(recordName: string, record: StoredRecord, now: number): Doubt | null {
  const isAbandoned = record.state === 'in_progress' && now >= record.leaseEndAt;
  if (record.state !== 'unknown' && !isAbandoned) return null;
  const { attempt, fencingToken, retryAt, expiresAt, decisions } = record;
  const steps = [...record.steps];
  const inDoubt = steps.filter(([, entry]) => isIntent(entry)).map(([step]) => step);
  return {
    recordName,
    state: isAbandoned ? 'abandoned' : 'unknown',
    needsDecision: !isAbandoned || record.guarded || inDoubt.length > 0,
    attempt,
    fencingToken,
    recordedSteps: steps.filter(([, entry]) => !isIntent(entry)).map(([step]) => step),
    stepsInDoubt: inDoubt.map((step) => ({ name: step, key: deriveKeyFromRecordName(recordName, step) })),
    retryAt,
    expiresAt,
    ttlMs: record.outcomeTtlMs,
    tombstoneMs: record.recordTtlMs,
    unknownTtlMs: record.unknownTtlMs,
    decisions,
  };
}

export interface ResolveDoubtOptions {
  /** What was found out. `not_done`: neither the work nor any of its steps in doubt; the next caller runs it. */
  as: 'done' | 'not_done';
  /** With `done`: the result that every repeat gets. Left out, a repeat is told that the work is done. */
  result?: unknown;
  /** With `done`, instead of `result`: the bytes of an outcome, such as `encodeAnswer` of `@onceguard/core/http` makes. */
  outcome?: Uint8Array;
  /** Who decides, and why: the record keeps its last five decisions. 1 to 200 and 1 to 500 characters. */
  by: string;
  reason: string;
  /** The fencing token of the doubt that was looked into. Default: of what stands there now. */
  fencingToken?: number;
  /** How long repeats get the result, in milliseconds, where that is longer than the record's own terms say. Default: as they say. */
  ttlMs?: number;
  /**
   * How long a repeat is told "done, no longer kept", in milliseconds, where that is longer than the record's own terms say. At
   * least `ttlMs`. Default: as they say. No decision shortens the life of a record.
   */
  tombstoneMs?: number;
}

const boundedText = (most: number) =>
  z.string().min(1, 'it must be said').max(most, `it must be at most ${most} characters`);

const schema = z
  .strictObject({
    as: z.enum(['done', 'not_done']),
    result: z.unknown().optional(),
    outcome: z.custom<Uint8Array>(isUint8Array, { error: 'it must be a Uint8Array' }).optional(),
    by: boundedText(200),
    reason: boundedText(500),
    fencingToken: wholeNumber('units', 1, Number.MAX_SAFE_INTEGER, 'Take it from listDoubts.').optional(),
    ...retentionFields,
  })
  .superRefine((options, context) => {
    checkTombstone(options, context);
    const given = ['result', 'outcome'].filter((name) => name in options);
    const most = options.as === 'done' ? 1 : 0;
    const message = most === 1 ? 'it must be left out where result is given' : 'it must be left out with not_done';
    for (const name of given.slice(most)) context.addIssue({ code: 'custom', path: [name], message });
  });

/**
 * Decides about an outcome that nobody knows. Compared and set on the fencing token, which it raises: an owner that was only
 * paused finds its lease lost, and of two people who decide one is told `conflict`, with what stands there.
 *
 * Not promised: that the decision is right. While the owner may still be acting, find out whether it is.
 */
export async function resolveDoubt(
  store: IdempotencyStore,
  name: string,
  options: ResolveDoubtOptions,
): Promise<ResolveReply> {
  const decision = parseOptions('resolveDoubt()', schema, options);
  const link = StoreClient.forStore(parseOptions('resolveDoubt()', storeField, store));
  const endsAt = monotonicMs() + store.callTimeoutMs;
  const { record, now } = await link.callWithRetry('read', name, () => store.read(name), endsAt);
  if (record === null) return { kind: 'gone', now };
  if ('result' in options) assertFunctionRecord(record);
  const { as, by, reason, ttlMs = null, tombstoneMs = null, fencingToken } = decision;
  const outcome = encodeOutcome(options);
  if (as === 'not_done') link.verify('read', name, () => verifySteps(name, record.steps));
  const request = {
    expectedFencingToken: fencingToken ?? record.fencingToken,
    as,
    outcome: outcome && addOutcomeChecksum(name, outcome),
    outcomeTtlMs: ttlMs,
    note: null,
    by,
    reason,
    recordTtlMs: tombstoneMs,
  };
  const answer = await link.callWithRetry('resolve', name, () => store.resolve(name, request), endsAt);
  if (answer.kind !== 'conflict' || answer.standing.kind !== 'completed') return answer;
  const { standing } = answer;
  return { ...answer, standing: { ...standing, outcome: verifyOutcome(name, standing.outcome) } };
}

/** Repeats of a request could not be sent a result, and a decision cannot be taken back. Without a fingerprint nobody can tell. */
function assertFunctionRecord({ fingerprint }: StoredRecord): void {
  if (fingerprint === null || fingerprint.startsWith(functionFingerprintPrefix)) return;
  const remedy = 'Give outcome: encodeAnswer({ status, headers, body }), of @onceguard/core/http';
  throw new ConfigurationError('argument_invalid', `A request is answered with more than a result. ${remedy}.`);
}

/** An `undefined` that is given is a result. */
function encodeOutcome(options: ResolveDoubtOptions): Uint8Array | null {
  if (!('result' in options)) return options.outcome ?? null;
  try {
    return encodeValue(options.result);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigurationError('argument_invalid', `This result cannot be recorded: ${why}. Give plain data.`, {
      cause,
    });
  }
}
