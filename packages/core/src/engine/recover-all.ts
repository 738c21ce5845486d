// recoverAll: a program that asks what became of everything that waits for a decision.
import { z } from 'zod';
import { StoreError } from '../errors.js';
import { parseOptions, wholeNumber } from '../options.js';
import type { IdempotencyStore } from '../store/port.js';
import { encodeValue } from '../value.js';
import { type Doubt, listDoubts } from './doubts.js';
import type { Execution, Plan, Work } from './plan.js';
import { type Recover, recoveryOf } from './recovery.js';
import { run } from './run.js';
import { checkTerms, defaultTerms, lengthFields, type Terms, termFields } from './terms.js';

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

const callback = z.custom<(input: never) => unknown>((value) => typeof value === 'function', {
  error: 'it must be a function',
});

const schema = z
  .strictObject({
    recover: callback,
    encode: callback.optional(),
    cursor: z.string().nullable().default(null),
    limit: wholeNumber('doubts', 1, 1_000_000, 'The cursor goes on where a call ended.').default(1_000),
    leaseMs: termFields.leaseMs,
    ...lengthFields,
  })
  .superRefine(checkTerms);

/** How many doubts ended how. */
export interface Recovered {
  done: number;
  notDone: number;
  stillUnknown: number;
  /** Somebody else is at them, or has ended them meanwhile. */
  elsewhere: number;
  /** Keys that look like records and cannot be read: of somebody else, damaged, or of a newer version. */
  skipped: number;
  /** `recover` threw; they stay unknown. */
  readonly failed: { readonly name: string; readonly error: unknown }[];
  /** Where the next call goes on; null: all were seen. */
  cursor: string | null;
}

/**
 * Works off what needs a decision, one after the other. Safe to run in several processes and at any time: each is recovered
 * under a lease of its own. Rejects with a `StoreError` where the store does not answer; what was recovered by then is.
 */
export async function recoverAll<T>(store: IdempotencyStore, options: RecoverAllOptions<T>): Promise<Recovered> {
  const checked = parseOptions('recoverAll()', schema, options);
  const { limit, cursor } = checked;
  const work = findingOut(options);
  const sum: Recovered = { done: 0, notDone: 0, stillUnknown: 0, elsewhere: 0, skipped: 0, failed: [], cursor };
  let asked = 0;
  do {
    const page = await listDoubts(store, { cursor: sum.cursor, limit: Math.min(100, limit - asked) });
    const doubts = page.doubts.filter(({ needsDecision }) => needsDecision);
    for (const doubt of doubts) {
      const { name } = doubt;
      const plan = { store, key: name, name, fingerprint: null, terms: termsOf(doubt, checked) };
      await recoverOne(plan, work, sum);
    }
    asked += doubts.length;
    sum.skipped += page.skipped;
    sum.cursor = page.cursor;
  } while (sum.cursor !== null && asked < limit);
  return sum;
}

/** The record's own terms: what is found out lives as long as any outcome of that work, or as the options say, if that is longer. */
function termsOf(doubt: Doubt, { leaseMs, ttlMs = 0, tombstoneMs = 0 }: z.output<typeof schema>): Terms {
  const keptMs = Math.max(doubt.ttlMs, ttlMs);
  return {
    ...defaultTerms,
    leaseMs,
    ttlMs: keptMs,
    tombstoneMs: Math.max(doubt.tombstoneMs, tombstoneMs, keptMs),
    unknownTtlMs: doubt.unknownTtlMs,
    onAbandoned: 'recover',
  };
}

/** What the engine runs where the work turns out not to be done: somebody else's next call does that. */
class NotDone extends Error {}

/** What is found is encoded while the lease can still be given back. */
function findingOut<T>({ recover, encode = encodeValue }: RecoverAllOptions<T>): Work<Uint8Array> {
  return {
    run: async () => {
      throw new NotDone();
    },
    recover: async (context) => await recoveryOf(recover(context), encode),
    settle: (outcome) => ({ as: 'done', outcome, note: null }),
    revive: (outcome) => outcome,
  };
}

async function recoverOne(plan: Plan, work: Work<Uint8Array>, sum: Recovered): Promise<void> {
  try {
    count(sum, await run(plan, work));
  } catch (error) {
    if (error instanceof NotDone) sum.notDone += 1;
    else if (error instanceof StoreError) throw error;
    else sum.failed.push({ name: plan.name, error });
  }
}

function count(sum: Recovered, { kind }: Execution<unknown>): void {
  if (kind === 'executed') sum.done += 1;
  else if (kind === 'unknown') sum.stillUnknown += 1;
  else sum.elsewhere += 1;
}
