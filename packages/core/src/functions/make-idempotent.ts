// makeIdempotent: a function whose repeats get the recorded result, for jobs, webhooks and whatever else comes twice.
import { z } from 'zod';
import type { Execution } from '../engine/execution.js';
import type { OperationContext } from '../engine/operation-context.js';
import { checkPolicy, withDefaultTombstone } from '../engine/policy.js';
import type { RecoverContext, Recovery } from '../engine/recovery.js';
import { InProgressError, KeyReusedError, OutcomeExpiredError, OutcomeUnknownError } from '../errors.js';
import { parseOptions } from '../parse-options.js';
import { executeChecked, type WorkOptions, warnOfShortRetention, workFields } from './execute-idempotently.js';

export interface IdempotentOptions<Input, Result = never>
  extends WorkOptions<(context: RecoverContext, input: Input) => Recovery<Result> | Promise<Recovery<Result>>, Result> {
  /** Whose keys these are, or how an input tells. Never empty, never a credential. */
  scope: string | ((input: Input) => string | Promise<string>);
  /** What names the work that this input asks for: the event's id, the order's number. */
  key: (input: Input) => string | Promise<string>;
  /** What of the input must be the same in every repeat. Default: all of it. False compares nothing. */
  fingerprint?: false | ((input: Input) => unknown);
}

const inputFunctionField = z.custom<(input: never) => unknown>((value) => typeof value === 'function', {
  error: 'it must be a function of the input',
});

const scopeRemedy =
  'it must be a non-empty string, or a function of the input: whose keys are these? Name the tenant or the queue';
const fingerprintRemedy = 'it must be a function of the input, or false to compare nothing';

const schema = z
  .strictObject({
    ...workFields,
    scope: z.union([z.string().min(1, scopeRemedy), inputFunctionField], { error: scopeRemedy }),
    key: inputFunctionField,
    fingerprint: z.union([z.literal(false), inputFunctionField], { error: fingerprintRemedy }).optional(),
  })
  .superRefine(checkPolicy);

/**
 * Wraps `operation` so that it runs once per key; see `execute` for what is promised. The result of every call is what
 * the record holds, so `undefined`, `null`, `0`, `""` and `false` come back as they were.
 *
 * Rejects with `InProgressError`, `KeyReusedError`, `OutcomeUnknownError` or `OutcomeExpiredError` where there is no
 * result to give, which lets a queue decide: delay, refuse, park, acknowledge.
 */
export function makeIdempotent<Input, Result>(
  operation: (input: Input, context: OperationContext) => Result | Promise<Result>,
  options: IdempotentOptions<Input, Result>,
): (input: Input) => Promise<Result> {
  const checked = withDefaultTombstone(parseOptions('makeIdempotent()', schema, options));
  const { scope, key, fingerprint, onAbandoned, resultSchema } = options;
  warnOfShortRetention(checked);
  return async (input) => {
    const call = {
      scope: typeof scope === 'function' ? await scope(input) : scope,
      key: await key(input),
      fingerprint: typeof fingerprint === 'function' ? await fingerprint(input) : input,
      compare: fingerprint !== false,
    };
    const work = {
      run: async (context: OperationContext) => await operation(input, context),
      recover: typeof onAbandoned === 'function' ? (context: RecoverContext) => onAbandoned(context, input) : null,
    };
    return resultOrThrow(await executeChecked(work, call, checked, resultSchema));
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
