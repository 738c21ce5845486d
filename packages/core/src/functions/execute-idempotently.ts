// executeIdempotently: executes one piece of work under a key, and reports how it ended.
import * as z from 'zod';
import type { Execution } from '../engine/execution.js';
import type { OperationContext } from '../engine/operation-context.js';
import { checkPolicy, withDefaultTombstone } from '../engine/policy.js';
import type { Recover } from '../engine/recovery.js';
import { checkTransaction } from '../engine/transaction-option.js';
import { parseOptions } from '../parse-options.js';
import { executeCall } from './function-call.js';
import { type WorkOptions, warnOfShortRetention, workFields } from './function-options.js';

export interface ExecuteOptions<T = never> extends WorkOptions<Recover<T>, T> {
  /** Whose keys these are: a tenant, an account, a queue. Never empty, never a credential. 1 to 1 024 characters. */
  scope: string;
  /** Names this piece of work within its scope. 1 to 1 024 characters. Only its digest is kept. */
  key: string;
  /** The payload that this key stands for. A call with another payload gets `key_reused`. Left out, payloads are not compared. */
  fingerprint?: unknown;
  /** What the record shows to people, such as the number of an order: 1 to 100 characters. Default: none. Never personal data. */
  label?: string | undefined;
}

const schema = z
  .strictObject({
    ...workFields,
    scope: z.unknown().optional(),
    key: z.unknown().optional(),
    fingerprint: z.unknown().optional(),
    label: z.unknown().optional(),
  })
  .superRefine(checkPolicy)
  .superRefine(checkTransaction);

/**
 * Runs `operation` once under its key. Every repeat gets the recorded result.
 *
 * - Promised: of concurrent callers one runs, while the store keeps its data and its clock does not jump. A result is on record before
 *   any caller gets it; where the store could not be reached for that, the execution says `recorded: false`.
 * - Not promised: that effects in other systems happen once. Pass `context.deriveKey(…)` to them, and stop when `context.signal` aborts.
 * - The value is what the record holds, also in the first call (`docs/guarantees.md` lists the types that keep their kind). A result
 *   that cannot be kept goes to its own caller, and a repeat gets `expired`.
 * - Rejects with what `operation` throws, after its key was freed or its outcome became unknown (`onFailure`); with a `StoreError` when
 *   the store does not reply; with a `ConfigurationError` for options that are not valid.
 *
 * @example
 * const execution = await executeIdempotently(
 *   ({ deriveKey }) => provider.charge(order.total, { idempotencyKey: deriveKey('charge') }),
 *   { store, scope: order.tenant, key: order.id },
 * );
 */
export async function executeIdempotently<T>(
  operation: (context: OperationContext) => T | Promise<T>,
  options: ExecuteOptions<T>,
): Promise<Execution<T>> {
  const { scope, key, fingerprint, label, ...checked } = withDefaultTombstone(
    parseOptions('executeIdempotently()', schema, options),
  );
  warnOfShortRetention(checked);
  const { onAbandoned, resultSchema } = options;
  const call = {
    scope,
    key,
    payload: fingerprint,
    label,
    defaultOperation: operation.name,
    isPayloadCompared: fingerprint !== undefined,
    run: operation,
    recover: typeof onAbandoned === 'function' ? onAbandoned : null,
  };
  return await executeCall(call, { ...checked, resultSchema });
}
