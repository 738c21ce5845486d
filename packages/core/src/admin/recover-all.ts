// recoverAll: calls a `recover` function for all work that needs a decision.
import * as z from 'zod';
import type { Execution, ExecutionRequest, Work } from '../engine/execution.js';
import { checkPolicy, defaultPolicy, type Policy, policyFields, retentionFields } from '../engine/policy.js';
import { convertRecovery, type Recover } from '../engine/recovery.js';
import { run } from '../engine/run.js';
import { traceExecution } from '../engine/trace-execution.js';
import { currentTraceparent } from '../engine/work-description.js';
import { StoreError } from '../errors.js';
import { functionField, parseOptions, wholeNumber } from '../parse-options.js';
import type { IdempotencyStore } from '../store/port.js';
import { encodeValue } from '../value-codec.js';
import { checkStore } from './check-store.js';
import { type Doubt, listDoubts } from './list-doubts.js';

export interface RecoverAllOptions<T> {
  /** Finds out what became of one piece of work. Its context has the derived keys and the steps, and no request or input. */
  recover: Recover<T>;
  /** Encodes a result for the record. Default: as for functions. For HTTP: `encodeRecoveredResponse` of `@onceguard/core/http`. */
  encode?: (result: T) => Uint8Array;
  /** The `cursor` of the call before, to continue where it ended. Default null: from the beginning. */
  cursor?: string | null;
  /** About how often `recover` is called before this call ends. 1 to 1 000 000, default 1 000. */
  limit?: number;
  /** The lease of each recovery, in milliseconds, renewed at a third of it. Default 30 000. */
  leaseMs?: number;
  /** How long repeats get the result, in milliseconds, where that is longer than the record's own policy says. Default: as it says. */
  ttlMs?: number;
  /**
   * How long repeats get `expired` at least, in milliseconds, where that is longer than the record's own policy says. Not shorter than
   * `ttlMs`. Default: as the policy says.
   */
  tombstoneMs?: number;
}

const callbackField = functionField('it must be a function');

const schema = z
  .strictObject({
    recover: callbackField,
    encode: callbackField.optional(),
    cursor: z.string().nullable().default(null),
    limit: wholeNumber('doubts', 1, 1_000_000, 'The cursor goes on where a call ended.').default(1_000),
    leaseMs: policyFields.leaseMs,
    ...retentionFields,
  })
  .superRefine(checkPolicy);

/** How the recoveries of one call ended. */
export interface RecoverAllSummary {
  /** `recover` returned `recovery.done()`; the result is on record. */
  done: number;
  /** `recover` returned `recovery.notDone()`; the next caller runs the work. */
  notDone: number;
  /** `recover` returned `recovery.stillUnknown()`. */
  stillUnknown: number;
  /** Another owner works on them, or has ended them meanwhile. */
  handledElsewhere: number;
  /** Records that may be in doubt and cannot be read: damaged ones, and those that a newer version wrote. */
  skipped: number;
  /** `recover` threw. These stay unknown. */
  readonly failed: { readonly recordName: string; readonly error: unknown }[];
  /** The `cursor` of the next call. Null: this call has seen everything. */
  cursor: string | null;
}

/**
 * Recovers all work that needs a decision, one piece after the other. It may run in several processes and at any time, because each
 * piece is recovered under a lease of its own.
 *
 * Rejects with a `StoreError` where the store fails or does not respond; what was recovered before that is on record. Rejects with a
 * `ConfigurationError` for options that are not valid.
 *
 * @example
 * const summary = await recoverAll(store, {
 *   recover: async ({ deriveKey }) => {
 *     const charge = await provider.findCharge({ idempotencyKey: deriveKey('charge') });
 *     return charge === undefined ? recovery.notDone() : recovery.done({ charge: charge.id });
 *   },
 * });
 */
export async function recoverAll<T>(
  store: IdempotencyStore,
  options: RecoverAllOptions<T>,
): Promise<RecoverAllSummary> {
  checkStore('recoverAll()', store);
  const checked = parseOptions('recoverAll()', schema, options);
  const { limit, cursor } = checked;
  const work = createRecoveryWork(options);
  const summary: RecoverAllSummary = {
    done: 0,
    notDone: 0,
    stillUnknown: 0,
    handledElsewhere: 0,
    skipped: 0,
    failed: [],
    cursor,
  };
  let recovered = 0;
  do {
    const page = await listDoubts(store, { cursor: summary.cursor, limit: Math.min(100, limit - recovered) });
    for (const doubt of page.doubts) {
      const { recordName } = doubt;
      const { operation, label } = doubt;
      const described = { operation, label, traceparent: currentTraceparent() };
      const request = {
        store,
        key: recordName,
        recordName,
        fingerprint: null,
        ...described,
        policy: policyOf(doubt, checked),
      };
      await recoverOne(request, work, summary);
    }
    recovered += page.doubts.length;
    summary.skipped += page.skipped;
    summary.cursor = page.cursor;
  } while (summary.cursor !== null && recovered < limit);
  return summary;
}

/** The record's own policy, so that a result is kept as long as any outcome of that work, or longer where the options say so. */
function policyOf(doubt: Doubt, { leaseMs, ttlMs = 0, tombstoneMs = 0 }: z.output<typeof schema>): Policy {
  const keptMs = Math.max(doubt.ttlMs, ttlMs);
  return {
    ...defaultPolicy,
    leaseMs,
    ttlMs: keptMs,
    tombstoneMs: Math.max(doubt.tombstoneMs, tombstoneMs, keptMs),
    unknownTtlMs: doubt.unknownTtlMs,
    onAbandoned: 'recover',
  };
}

/** Ends the attempt where the work is not done: this program recovers work, and the next caller runs it. */
class WorkNotDone extends Error {}

/** Encodes the result within `recover`, while a result that cannot be recorded still leaves the record unknown. */
function createRecoveryWork<T>({ recover, encode = encodeValue }: RecoverAllOptions<T>): Work<Uint8Array> {
  return {
    run: async () => {
      throw new WorkNotDone();
    },
    recover: async (context) => await convertRecovery(recover(context), encode),
    settle: (outcome) => ({ as: 'done', kind: encode === encodeValue ? 'result' : 'response', outcome, note: null }),
    decode: (outcome) => outcome,
  };
}

async function recoverOne(
  request: ExecutionRequest,
  work: Work<Uint8Array>,
  summary: RecoverAllSummary,
): Promise<void> {
  try {
    addToSummary(summary, await traceExecution(request, (traced) => run(traced, work)));
  } catch (error) {
    if (error instanceof WorkNotDone) summary.notDone += 1;
    else if (error instanceof StoreError) throw error;
    else summary.failed.push({ recordName: request.recordName, error });
  }
}

function addToSummary(summary: RecoverAllSummary, { kind }: Execution<unknown>): void {
  if (kind === 'executed') summary.done += 1;
  else if (kind === 'outcome_unknown') summary.stillUnknown += 1;
  else summary.handledElsewhere += 1;
}
