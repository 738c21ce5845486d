// makeIdempotent: wraps a function so that its repeats get the recorded result, for jobs, webhooks and other repeated deliveries.
import * as z from 'zod';
import type { Execution } from '../engine/execution.js';
import type { OperationContext } from '../engine/operation-context.js';
import { checkPolicy, withDefaultTombstone } from '../engine/policy.js';
import type { RecoverContext, Recovery } from '../engine/recovery.js';
import { checkTransaction } from '../engine/transaction-option.js';
import { InProgressError, KeyReusedError, OutcomeExpiredError, OutcomeUnknownError } from '../errors.js';
import { functionField, parseOptions } from '../parse-options.js';
import { executeCall } from './function-call.js';
import { type WorkOptions, warnOfShortRetention, workFields } from './function-options.js';

export interface IdempotentOptions<Input, Result = never>
  extends WorkOptions<(context: RecoverContext, input: Input) => Recovery<Result> | Promise<Recovery<Result>>, Result> {
  /** Whose keys these are, or a function of the input that says so. Never empty, never a credential. */
  scope: string | ((input: Input) => string | Promise<string>);
  /** Names the work that this input asks for: the id of the event, the number of the order. */
  key: (input: Input) => string | Promise<string>;
  /** The part of the input that must be the same in every repeat. Default: all of it. False compares nothing. */
  fingerprint?: false | ((input: Input) => unknown);
  /**
   * Returns what the record shows to people, such as the number of an order: 1 to 100 characters, or undefined for none. Default: none.
   * Never personal data, because it is kept as long as the record.
   */
  label?: (input: Input) => string | undefined | Promise<string | undefined>;
}

const inputFunctionField = functionField('it must be a function of the input');

const scopeRemedy =
  'it must be a non-empty string, or a function of the input: whose keys are these? Name the tenant or the queue';
const fingerprintRemedy = 'it must be a function of the input, or false to compare nothing';

const schema = z
  .strictObject({
    ...workFields,
    scope: z.union([z.string().min(1, scopeRemedy), inputFunctionField], { error: scopeRemedy }),
    key: inputFunctionField,
    fingerprint: z.union([z.literal(false), inputFunctionField], { error: fingerprintRemedy }).optional(),
    label: inputFunctionField.optional(),
  })
  .superRefine(checkPolicy)
  .superRefine(checkTransaction);

/**
 * Returns a function that runs `operation` once per key; `executeIdempotently` says what is promised. The result of every call is what
 * the record holds, so `undefined`, `null`, `0`, `""` and `false` come back as they were.
 *
 * The returned function rejects with `InProgressError`, `KeyReusedError`, `OutcomeUnknownError` or `OutcomeExpiredError` where there is
 * no result, so that a queue can decide: delay, refuse, park, acknowledge. It rejects with what `operation` throws, and with a
 * `StoreError` when the store does not reply. `makeIdempotent` throws a `ConfigurationError` for options that are not valid.
 *
 * @example
 * const handleEvent = makeIdempotent(
 *   async (event: { id: string }, context) => await context.step('ship', () => ship(event)),
 *   { store, scope: 'webhooks', key: (event) => event.id },
 * );
 */
export function makeIdempotent<Input, Result>(
  operation: (input: Input, context: OperationContext) => Result | Promise<Result>,
  options: IdempotentOptions<Input, Result>,
): (input: Input) => Promise<Result> {
  const { scope, key, fingerprint, label, onAbandoned, resultSchema } = options;
  const checked = { ...withDefaultTombstone(parseOptions('makeIdempotent()', schema, options)), resultSchema };
  warnOfShortRetention(checked);
  return async (input) => {
    const call = {
      scope: typeof scope === 'function' ? await scope(input) : scope,
      key: await key(input),
      payload: typeof fingerprint === 'function' ? await fingerprint(input) : input,
      isPayloadCompared: fingerprint !== false,
      label: await label?.(input),
      defaultOperation: operation.name,
      run: async (context: OperationContext) => await operation(input, context),
      recover: typeof onAbandoned === 'function' ? (context: RecoverContext) => onAbandoned(context, input) : null,
    };
    return resultOrThrow(await executeCall(call, checked));
  };
}

function resultOrThrow<T>(execution: Execution<T>): T {
  switch (execution.kind) {
    case 'executed':
    case 'replayed':
      return execution.value;
    case 'in_progress':
      throw new InProgressError(execution.retryAfterMs);
    case 'key_reused':
      throw new KeyReusedError();
    case 'outcome_unknown':
      throw new OutcomeUnknownError(execution.retryAfterMs, execution.recordName);
    case 'expired':
      throw new OutcomeExpiredError(execution.completedAt);
  }
}
