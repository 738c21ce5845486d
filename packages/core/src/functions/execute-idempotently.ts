// execute: one piece of work under a key, and an honest account of what became of it.
import { z } from 'zod';
import { digest } from '../digest.js';
import type { Execution, ExecutionRequest } from '../engine/execution.js';
import type { OperationContext } from '../engine/operation-context.js';
import {
  checkPolicy,
  type Policy,
  type PolicyOptions,
  policyFields,
  storeField,
  withDefaultTombstone,
} from '../engine/policy.js';
import type { Recover } from '../engine/recovery.js';
import { run } from '../engine/run.js';
import { ConfigurationError } from '../errors.js';
import { publish, warnOnce } from '../events.js';
import { milliseconds, parseOptions, wholeNumber } from '../parse-options.js';
import { describePlaceholder, findPlaceholder } from '../placeholder.js';
import type { IdempotencyStore } from '../store/port.js';
import { encodeValue, UnencodableValueError } from '../value-codec.js';
import { type FinalErrors, finalErrorsField } from './final-error-classes.js';
import {
  createResultWork,
  type Operation,
  type ResultCodecOptions,
  type ResultSchema,
  unwrapResult,
} from './result-codec.js';

/** What calls of functions share, however their key comes about. */
export interface WorkOptions<Recover, Result = never> extends PolicyOptions<Recover> {
  /** Where records are kept. */
  store: IdempotencyStore;
  /** Results that encode to more are not kept: a repeat is told that the work is done. Default 1 048 576. */
  maxOutcomeBytes?: number;
  /**
   * Errors that are an outcome: a record of classes, `{ CardDeclined }`, a list of them, or a function that picks them. They
   * are recorded, and every repeat throws them again. Default none: whatever is thrown frees the key, or makes it unknown
   * (`onFailure`).
   */
  finalErrors?: FinalErrors;
  /** Whether the causes of such errors are recorded too. They may hold what nobody should keep. Default true. */
  recordCause?: boolean;
  /**
   * For how long a queue may deliver the same again, counted from when it was done. Where a record does not live so long
   * (`tombstoneMs`), the warning `retention_too_short` says so.
   */
  redeliveryMs?: number;
  /** Checks a recorded result, which a version before may have written. A zod schema has `parse`. */
  resultSchema?: ResultSchema<Result>;
}

export interface ExecuteOptions<T = never> extends WorkOptions<Recover<T>, T> {
  /** Whose keys these are: a tenant, an account, a queue. Never empty, never a credential. 1 to 1 024 characters. */
  scope: string;
  /** Names this piece of work within its scope. 1 to 1 024 characters. Kept as a digest only. */
  key: string;
  /** The payload that this key stands for: another one is a `key_reused`. Left out, payloads are not compared. */
  fingerprint?: unknown;
}

export const workFields = {
  store: storeField,
  maxOutcomeBytes: wholeNumber('bytes', 1, 536_870_912, 'For one mebibyte write 1048576.').default(1_048_576),
  finalErrors: finalErrorsField.default([]),
  recordCause: z.boolean().default(true),
  redeliveryMs: milliseconds(1, 4_000 * 86_400_000).optional(),
  resultSchema: z
    .custom<ResultSchema<unknown>>(
      (value) => typeof value === 'object' && value !== null && 'parse' in value && typeof value.parse === 'function',
      { error: 'it must have a method parse, as zod schemas do' },
    )
    .optional(),
  ...policyFields,
};

const schema = z
  .strictObject({
    ...workFields,
    scope: z.unknown().optional(),
    key: z.unknown().optional(),
    fingerprint: z.unknown().optional(),
  })
  .superRefine(checkPolicy);

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
export async function executeIdempotently<T>(
  operation: (context: OperationContext) => T | Promise<T>,
  options: ExecuteOptions<T>,
): Promise<Execution<T>> {
  const { scope, key, fingerprint, ...rest } = withDefaultTombstone(
    parseOptions('executeIdempotently()', schema, options),
  );
  warnOfShortRetention(rest);
  const { onAbandoned } = options;
  const recover = typeof onAbandoned === 'function' ? onAbandoned : null;
  const call = { scope, key, fingerprint, compare: fingerprint !== undefined };
  return await executeChecked({ run: operation, recover }, call, rest, options.resultSchema);
}

export function warnOfShortRetention({
  tombstoneMs,
  redeliveryMs = 0,
}: {
  tombstoneMs: number;
  redeliveryMs?: number | undefined;
}): void {
  if (redeliveryMs <= tombstoneMs) return;
  warnOnce(
    'retention_too_short',
    `What is done is known for ${tombstoneMs} ms (ttlMs or tombstoneMs), but may be delivered again for ${redeliveryMs} ms ` +
      '(redeliveryMs): after that it runs again. Make tombstoneMs at least as long.',
  );
}

/** Options that have been checked, but for what each call brings. */
export type CheckedWorkOptions = Policy &
  Omit<ResultCodecOptions<unknown>, 'resultSchema'> & { readonly store: IdempotencyStore };

export interface FunctionCall {
  readonly scope: unknown;
  readonly key: unknown;
  readonly fingerprint: unknown;
  readonly compare: boolean;
}

export async function executeChecked<T>(
  operation: Operation<T>,
  call: FunctionCall,
  checked: CheckedWorkOptions,
  resultSchema: ResultSchema<T> | undefined,
): Promise<Execution<T>> {
  const scope = validateName('scope', call.scope);
  const key = validateName('key', call.key);
  const plan: ExecutionRequest = {
    store: checked.store,
    scope: `of ${scope}`,
    key,
    recordName: digest(['onceguard function 1', scope, key]),
    fingerprint: call.compare ? fingerprintPayload(call.fingerprint) : null,
    policy: checked,
  };
  const execution = await run(plan, createResultWork(operation, plan, { ...checked, resultSchema }));
  switch (execution.kind) {
    case 'executed':
      return { ...execution, value: unwrapResult(execution.value) };
    case 'replayed':
      return { ...execution, value: unwrapResult(execution.value) };
    default:
      publish('rejected', () => ({ store: plan.store.name, recordName: plan.recordName, code: execution.kind }));
      return execution;
  }
}

function validateName(what: 'scope' | 'key', value: unknown): string {
  const code = what === 'scope' ? 'scope_missing' : 'key_invalid';
  if (typeof value === 'string' && value.length > 0 && value.length <= 1_024) {
    const placeholder = findPlaceholder(value);
    if (placeholder === null) return value;
    throw new ConfigurationError(code, `${what} names nothing: ${describePlaceholder(placeholder)}.`);
  }
  const shown = typeof value === 'string' ? `${value.length} characters long` : `of type ${typeof value}`;
  throw new ConfigurationError(code, `${what} is ${shown}; it must be a string of 1 to 1024 characters.`);
}

/** What the fingerprints of functions begin with; those of requests begin otherwise. */
export const functionFingerprintPrefix = 'f1:';

function fingerprintPayload(payload: unknown): string {
  try {
    return `${functionFingerprintPrefix}${digest([encodeValue(payload, { sorted: true })])}`;
  } catch (error) {
    if (!(error instanceof UnencodableValueError)) throw error;
    const remedy = 'Let the option fingerprint give plain data that stands for it.';
    throw new ConfigurationError('argument_invalid', `This payload cannot be compared: ${error.message}. ${remedy}`);
  }
}
