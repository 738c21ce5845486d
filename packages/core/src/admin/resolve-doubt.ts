// resolveDoubt: a person's decision about work whose outcome nobody knows.
import { isUint8Array } from 'node:util/types';
import * as z from 'zod';
import { addOutcomeChecksum, verifyOutcome, verifySteps } from '../engine/checksum.js';
import { checkTombstone, retentionFields } from '../engine/policy.js';
import { StoreClient } from '../engine/store-client.js';
import { monotonicMs } from '../engine/time.js';
import { ConfigurationError } from '../errors.js';
import { publish } from '../events.js';
import { functionFingerprintPrefix } from '../functions/payload-fingerprint.js';
import { parseOptions, wholeNumber } from '../parse-options.js';
import type { ResolveReply, ResolveRequest } from '../protocol/messages.js';
import type { RecordedDecision, StoredRecord } from '../protocol/record.js';
import { deriveStanding } from '../protocol/standing.js';
import type { IdempotencyStore } from '../store/port.js';
import { encodeValue } from '../value-codec.js';
import { checkStore } from './check-store.js';
import { boundedText } from './decision-fields.js';

export interface ResolveDoubtOptions {
  /**
   * `done`: the work took effect, and nobody runs it again. `not_done`: neither the work nor any of its steps in doubt took effect, and
   * the next caller runs it.
   */
  as: 'done' | 'not_done';
  /** With `done`: the result that every repeat gets. Left out, repeats get `expired`: the work is done, its result is not kept. */
  result?: unknown;
  /** With `done`, in place of `result`: the bytes of an outcome, such as `encodeRecoveredResponse` of `@onceguard/core/http` makes. */
  outcome?: Uint8Array;
  /** Who decides. 1 to 200 characters. The record keeps its last five decisions. */
  by: string;
  /** Why. 1 to 500 characters. */
  reason: string;
  /** The fencing token of the doubt, from `listDoubts`. Default: the record's present one. */
  fencingToken?: number;
  /** How long repeats get the result, in milliseconds, where that is longer than the record's own policy says. Default: as it says. */
  ttlMs?: number;
  /**
   * How long repeats get `expired` at least, in milliseconds, where that is longer than the record's own policy says. Not shorter than
   * `ttlMs`. Default: as the policy says. No decision shortens the life of a record.
   */
  tombstoneMs?: number;
}

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
 * How a decision ended. `ok`: it is on record. `gone`: the store has no such record. `conflict`: the record is not in doubt any more, or
 * it is another doubt than the one that was meant. Nothing was changed. `decision` is the last decision on record, which says who was
 * first; null where nobody has decided.
 */
export type ResolveDoubtReply =
  | Exclude<ResolveReply, { readonly kind: 'conflict' }>
  | (Extract<ResolveReply, { readonly kind: 'conflict' }> & { readonly decision: RecordedDecision | null });

/**
 * Records a decision about an outcome that nobody knows. The store compares the fencing token and raises it in the same step: an owner
 * that was only paused finds its lease lost, and of two people who decide, the second gets `conflict` with what the record says and
 * with the first one's decision, also where both decided the same. The same call again is `ok` and records nothing more.
 *
 * It cannot tell whether the decision is right. Before you decide, make sure that the owner does not act any more.
 *
 * Rejects with a `StoreError` where the store fails or does not respond within its `callTimeoutMs`, and with a `ConfigurationError` for
 * options that are not valid and for a result that cannot be recorded.
 *
 * @example
 * await resolveDoubt(store, doubt.recordName, { as: 'not_done', by: 'ada', reason: 'no charge at the bank' });
 */
export async function resolveDoubt(
  store: IdempotencyStore,
  recordName: string,
  options: ResolveDoubtOptions,
): Promise<ResolveDoubtReply> {
  const decision = parseOptions('resolveDoubt()', schema, options);
  const storeClient = StoreClient.forStore(checkStore('resolveDoubt()', store));
  const deadlineAt = monotonicMs() + store.callTimeoutMs;
  const read = () => store.read(recordName);
  const unknownWork = { recordName, operation: null };
  const { record, now } = await storeClient.callWithRetry('read', unknownWork, read, deadlineAt);
  if (record === null) return { kind: 'gone', now };
  if ('result' in options) assertFunctionRecord(record);
  const { as, by, reason, ttlMs = null, tombstoneMs = null, fencingToken } = decision;
  const outcome = encodeOutcome(options);
  const subject = { recordName, operation: record.operation };
  if (as === 'not_done') storeClient.verify('read', subject, () => verifySteps(recordName, record.steps));
  const request: ResolveRequest = {
    expectedFencingToken: fencingToken ?? record.fencingToken,
    as,
    outcome: outcome && addOutcomeChecksum(recordName, outcome),
    outcomeTtlMs: ttlMs,
    note: null,
    by,
    reason,
    recordTtlMs: tombstoneMs,
  };
  const resolve = () => store.resolve(recordName, request);
  const reply = await storeClient.callWithRetry('resolve', subject, resolve, deadlineAt);
  if (reply.kind === 'gone') return reply;
  const { record: after } = await storeClient.callWithRetry('read', subject, read, deadlineAt);
  if (reply.kind === 'conflict') return conflict(recordName, reply, after?.decisions.at(-1) ?? null);
  const decided = after === null ? reply : withSameOutcome(recordName, after, request, reply.now);
  if (decided.kind === 'ok') {
    const { attempt } = record;
    publish('decided', () => ({ ...storeClient.eventSubject(subject), attempt, as, by, reason }));
  }
  return decided;
}

type ConflictReply = Extract<ResolveReply, { readonly kind: 'conflict' }>;

function conflict(recordName: string, reply: ConflictReply, decision: RecordedDecision | null): ResolveDoubtReply {
  const { standing } = reply;
  if (standing.kind !== 'completed') return { ...reply, decision };
  return { ...reply, standing: { ...standing, outcome: verifyOutcome(recordName, standing.outcome) }, decision };
}

/** The store knows a call that is sent again by its words. With another outcome it is another call, and its outcome was not recorded. */
function withSameOutcome(
  recordName: string,
  record: StoredRecord,
  request: ResolveRequest,
  now: number,
): ResolveDoubtReply {
  const decision = record.decisions.find(({ fencingToken }) => fencingToken === request.expectedFencingToken);
  if (decision === undefined || request.as === 'not_done') return { kind: 'ok', now };
  if (haveSameBytes(request.outcome, record.outcome)) return { kind: 'ok', now };
  return conflict(recordName, { kind: 'conflict', standing: deriveStanding(record, null, now), now }, decision);
}

function haveSameBytes(one: Uint8Array | null, other: Uint8Array | null): boolean {
  return one === null || other === null ? one === other : Buffer.compare(one, other) === 0;
}

/**
 * Refuses a result for the record of a request: its repeats could not be sent it, and a decision cannot be taken back. The fingerprint
 * says whose record it is; a record without one may be of either.
 */
function assertFunctionRecord({ fingerprint }: StoredRecord): void {
  if (fingerprint === null || fingerprint.startsWith(functionFingerprintPrefix)) return;
  const remedy = 'Give outcome: encodeRecoveredResponse({ status, headers, body }), of @onceguard/core/http';
  throw new ConfigurationError('argument_invalid', `The response to a request is more than a result. ${remedy}.`);
}

/** An option `result` that is present and undefined is a result, too. */
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
