// recoverAll: a program that asks what became of everything that waits for a decision.
import { z } from 'zod';
import type { Execution, ExecutionRequest, Work } from '../engine/execution.js';
import { checkPolicy, defaultPolicy, type Policy, policyFields, retentionFields } from '../engine/policy.js';
import { convertRecovery, type Recover } from '../engine/recovery.js';
import { run } from '../engine/run.js';
import { StoreError } from '../errors.js';
import { parseOptions, wholeNumber } from '../parse-options.js';
import type { IdempotencyStore } from '../store/port.js';
import { encodeValue } from '../value-codec.js';
import { type Doubt, listDoubts } from './doubts.js';

export interface RecoverAllOptions<T> {
  /** Finds out about one of them, knowing its derived keys and its steps. */
  recover: Recover<T>;
  /** The bytes of a result. Default: as for functions; for HTTP `encodeAnswer` of `@onceguard/core/http`. */
  encode?: (result: T) => Uint8Array;
  /** From the call before, to go on where it ended. Default null: from the beginning. */
  cursor?: string | null;
  /** About how many are asked about before the call ends; all records are looked through for them. Default 1000. */
  limit?: number;
  /** How long this process may be silent, as for any attempt. Default 30 000. */
  leaseMs?: number;
  /** How long repeats get what was found, in milliseconds, where that is longer than the record's own terms say. Default: as they say. */
  ttlMs?: number;
  /**
   * How long a repeat is told "done, no longer kept", in milliseconds, where that is longer than the record's own terms say. At
   * least `ttlMs`. Default: as they say.
   */
  tombstoneMs?: number;
}

const callbackField = z.custom<(input: never) => unknown>((value) => typeof value === 'function', {
  error: 'it must be a function',
});

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

/** How many doubts ended how. */
export interface RecoverAllSummary {
  done: number;
  notDone: number;
  stillUnknown: number;
  /** Somebody else is at them, or has ended them meanwhile. */
  handledElsewhere: number;
  /** Keys that look like records and cannot be read: of somebody else, damaged, or of a newer version. */
  skipped: number;
  /** `recover` threw; they stay unknown. */
  readonly failed: { readonly recordName: string; readonly error: unknown }[];
  /** Where the next call goes on; null: all were seen. */
  cursor: string | null;
}

/**
 * Works off what needs a decision, one after the other. Safe to run in several processes and at any time: each is recovered
 * under a lease of its own. Rejects with a `StoreError` where the store does not answer; what was recovered by then is.
 */
export async function recoverAll<T>(
  store: IdempotencyStore,
  options: RecoverAllOptions<T>,
): Promise<RecoverAllSummary> {
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
  let asked = 0;
  do {
    const page = await listDoubts(store, { cursor: summary.cursor, limit: Math.min(100, limit - asked) });
    const doubts = page.doubts.filter(({ needsDecision }) => needsDecision);
    for (const doubt of doubts) {
      const { recordName } = doubt;
      const plan = { store, key: recordName, recordName, fingerprint: null, policy: policyOf(doubt, checked) };
      await recoverOne(plan, work, summary);
    }
    asked += doubts.length;
    summary.skipped += page.skipped;
    summary.cursor = page.cursor;
  } while (summary.cursor !== null && asked < limit);
  return summary;
}

/** The record's own terms: what is found out lives as long as any outcome of that work, or as the options say, if that is longer. */
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

/** What the engine runs where the work turns out not to be done: somebody else's next call does that. */
class WorkNotDone extends Error {}

/** What is found is encoded while the lease can still be given back. */
function createRecoveryWork<T>({ recover, encode = encodeValue }: RecoverAllOptions<T>): Work<Uint8Array> {
  return {
    run: async () => {
      throw new WorkNotDone();
    },
    recover: async (context) => await convertRecovery(recover(context), encode),
    settle: (outcome) => ({ as: 'done', outcome, note: null }),
    decode: (outcome) => outcome,
  };
}

async function recoverOne(plan: ExecutionRequest, work: Work<Uint8Array>, sum: RecoverAllSummary): Promise<void> {
  try {
    addToSummary(sum, await run(plan, work));
  } catch (error) {
    if (error instanceof WorkNotDone) sum.notDone += 1;
    else if (error instanceof StoreError) throw error;
    else sum.failed.push({ recordName: plan.recordName, error });
  }
}

function addToSummary(sum: RecoverAllSummary, { kind }: Execution<unknown>): void {
  if (kind === 'executed') sum.done += 1;
  else if (kind === 'outcome_unknown') sum.stillUnknown += 1;
  else sum.handledElsewhere += 1;
}
