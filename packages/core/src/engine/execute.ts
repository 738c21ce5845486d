// execute: one piece of work under a key, and an honest account of what became of it.
import { z } from 'zod';
import { digest } from '../digest.js';
import { ConfigurationError, type ErrorCode } from '../errors.js';
import { publish } from '../events.js';
import { parseOptions, wholeNumber } from '../options.js';
import type { IdempotencyStore } from '../store.js';
import { encodeValue, UnencodableValue } from '../value.js';
import type { OperationContext } from './context.js';
import { kept } from './kept.js';
import type { Execution, Plan } from './plan.js';
import { run } from './run.js';
import { checkTerms, storeField, type TermOptions, type Terms, termFields, withTombstone } from './terms.js';

/** What calls of functions share, however their key comes about. */
export interface WorkOptions extends TermOptions {
  /** Where records are kept. */
  store: IdempotencyStore;
  /** Results that encode to more are not kept: a repeat is told that the work is done. Default 1 048 576. */
  maxOutcomeBytes?: number;
  /** Always so; it is here so that `payments` can be spread. */
  required?: true;
}

export interface ExecuteOptions extends WorkOptions {
  /** Whose keys these are: a tenant, an account, a queue. Never empty, never a credential. 1 to 1 024 characters. */
  scope: string;
  /** Names this piece of work within its scope. 1 to 1 024 characters. Kept as a digest only. */
  key: string;
  /** The payload that this key stands for: another one is a `mismatch`. Left out, payloads are not compared. */
  fingerprint?: unknown;
}

export const workFields = {
  store: storeField,
  maxOutcomeBytes: wholeNumber('bytes', 1, 536_870_912, 'For one mebibyte write 1048576.').default(1_048_576),
  required: z.literal(true, { error: 'it must be left out: here a key is always required' }).optional(),
  ...termFields,
};

const schema = z
  .strictObject({
    ...workFields,
    scope: z.unknown().optional(),
    key: z.unknown().optional(),
    fingerprint: z.unknown().optional(),
  })
  .superRefine(checkTerms);

/**
 * Runs `operation` once under its key, and answers every repeat from the record.
 *
 * - Promise: of concurrent callers one runs, while the store keeps its data and its clock does not jump. A result is on
 *   record before anybody is told; where the store could not be reached for that, the execution says `recorded: false`.
 * - Not promised: that effects in other systems happen once. Pass `context.deriveKey(…)` on for that, and stop when
 *   `context.signal` aborts.
 * - What comes back is what the record holds, on the first call too (`docs/guarantees.md` lists the types that keep
 *   their kind). A result that cannot be kept is given to its caller, and a repeat is told `expired`.
 * - Rejects with what `operation` throws, after its key was freed (or made unknown: `onFailure`); with a `StoreError`
 *   when the store did not answer; with a `ConfigurationError` for options that cannot be meant.
 */
export async function execute<T>(
  operation: (context: OperationContext) => T | Promise<T>,
  options: ExecuteOptions,
): Promise<Execution<T>> {
  const { scope, key, fingerprint, ...rest } = withTombstone(parseOptions('execute()', schema, options));
  return await executeWork(operation, { scope, key, fingerprint, compare: fingerprint !== undefined }, rest);
}

/** Options that have been checked, but for what each call brings. */
export type CheckedWork = Terms & { readonly store: IdempotencyStore; readonly maxOutcomeBytes: number };

export interface Call {
  readonly scope: unknown;
  readonly key: unknown;
  readonly fingerprint: unknown;
  readonly compare: boolean;
}

export async function executeWork<T>(
  operation: (context: OperationContext) => T | Promise<T>,
  call: Call,
  checked: CheckedWork,
): Promise<Execution<T>> {
  const scope = named('scope', call.scope);
  const key = named('key', call.key);
  const plan: Plan = {
    store: checked.store,
    key,
    name: digest(['onceguard function 1', scope, key]),
    fingerprint: call.compare ? fingerprintOf(call.fingerprint) : null,
    terms: checked,
  };
  const execution = await run(plan, kept(operation, plan, checked.maxOutcomeBytes));
  switch (execution.kind) {
    case 'executed':
      return { ...execution, value: execution.value.value };
    case 'replayed':
      return { ...execution, value: execution.value.value };
    default:
      publish('rejected', () => ({ store: plan.store.name, name: plan.name, code: refusals[execution.kind] }));
      return execution;
  }
}

const refusals = {
  in_progress: 'in_progress',
  mismatch: 'key_reused',
  unknown: 'outcome_unknown',
  expired: 'response_expired',
} as const satisfies Record<string, ErrorCode>;

function named(what: 'scope' | 'key', value: unknown): string {
  if (typeof value === 'string' && value.length > 0 && value.length <= 1_024) return value;
  const shown = typeof value === 'string' ? `${value.length} characters long` : `of type ${typeof value}`;
  const code = what === 'scope' ? 'scope_missing' : 'key_invalid';
  throw new ConfigurationError(code, `${what} is ${shown}; it must be a string of 1 to 1024 characters.`);
}

function fingerprintOf(payload: unknown): string {
  try {
    return `f1:${digest([encodeValue(payload, { sorted: true })])}`;
  } catch (error) {
    if (!(error instanceof UnencodableValue)) throw error;
    const remedy = 'Let the option fingerprint give plain data that stands for it.';
    throw new ConfigurationError('argument_invalid', `This payload cannot be compared: ${error.message}. ${remedy}`);
  }
}
