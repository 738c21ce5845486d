// One call of a function whose options have been checked: becomes an execution of the engine, and its outcome a result again.
import { digest } from '../digest.js';
import type { Execution, ExecutionRequest } from '../engine/execution.js';
import { run } from '../engine/run.js';
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
    recordName: digest(['onceguard function 1', scope, key]),
    fingerprint: call.isPayloadCompared ? fingerprintPayload(call.payload) : null,
    policy: options,
    isFinalError: (error) => isFinalError(error, options.finalErrors),
  };
  const execution = await run(request, createResultWork(call, request, options));
  switch (execution.kind) {
    case 'executed':
      return { ...execution, value: unwrapResult(execution.value) };
    case 'replayed':
      return { ...execution, value: unwrapResult(execution.value) };
    default:
      publish('rejected', () => ({
        store: request.store.name,
        recordName: request.recordName,
        code: execution.kind,
      }));
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
