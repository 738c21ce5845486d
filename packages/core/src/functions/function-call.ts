// One call of a function whose options have been checked: becomes an execution of the engine, and its outcome a result again.
import type { Execution, ExecutionRequest } from '../engine/execution.js';
import { functionRecordName, operationRecordName } from '../engine/record-name.js';
import { run } from '../engine/run.js';
import { traceExecution } from '../engine/trace-execution.js';
import { checkLabel, currentTraceparent, defaultOperation } from '../engine/work-description.js';
import { ConfigurationError } from '../errors.js';
import { publish } from '../events.js';
import { describePlaceholder, findPlaceholder } from '../placeholder.js';
import { isFinalError } from './final-error.js';
import type { CheckedWorkOptions } from './function-options.js';
import { fingerprintPayload } from './payload-fingerprint.js';
import { createResultWork, type Operation, unwrapResult } from './result-codec.js';

export interface FunctionCall<T> extends Operation<T> {
  /** Not checked yet, as `key`: every call has its own. */
  readonly scope: unknown;
  readonly key: unknown;
  readonly payload: unknown;
  /** For people and tools. Not checked yet. */
  readonly label: unknown;
  /** The operation of the record where the option gives none. */
  readonly defaultOperation: string;
  /** False: calls under one key may have different payloads. */
  readonly isPayloadCompared: boolean;
}

export async function executeCall<T>(call: FunctionCall<T>, options: CheckedWorkOptions<T>): Promise<Execution<T>> {
  const scope = validateName('scope', call.scope);
  const key = validateName('key', call.key);
  const request: ExecutionRequest = {
    store: options.store,
    scope: `of ${scope}`,
    key,
    recordName: recordNameOf(scope, key, options.operation),
    operation: options.operation ?? defaultOperation(call.defaultOperation, 'function'),
    label: checkLabel(call.label),
    traceparent: currentTraceparent(),
    fingerprint: call.isPayloadCompared ? fingerprintPayload(call.payload) : null,
    policy: options,
    transaction: options.transaction,
    isFinalError: (error) => isFinalError(error, options.finalErrors),
  };
  const execution = await traceExecution(request, (traced) => run(traced, createResultWork(call, traced, options)));
  switch (execution.kind) {
    case 'executed':
      return { ...execution, value: unwrapResult(execution.value) };
    case 'replayed':
      return { ...execution, value: unwrapResult(execution.value) };
    default:
      publish('rejected', () => ({
        store: request.store.name,
        recordName: request.recordName,
        operation: request.operation,
        code: execution.kind,
      }));
      return execution;
  }
}

/** As `recordName` has it: a scope that is the word `public` is the one that all callers share. */
function recordNameOf(scope: string, key: string, operation: string | undefined): string {
  if (operation === undefined) return functionRecordName(scope, key);
  return operationRecordName(scope === 'public' ? scope : `of ${scope}`, operation, key);
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
