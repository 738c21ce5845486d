// Runs a mutation or a message handler under its key. Its result is a value, not a response.
import { ConfigurationError, makeIdempotent, type OperationContext } from '@onceguard/core';
import { setContext } from './contexts.js';
import type { AnyInput, HandlerOptions } from './options.js';
import { toPlainResult } from './plain-result.js';

/** One call of a handler. */
export interface GuardedCall {
  /** The object under which parameter decorators find the context. */
  readonly identity: object;
  /** What the functions among the options get: the request of a mutation, the data of a message. */
  readonly input: AnyInput;
  readonly key: string;
  /** What must be the same in every repeat, without the option `fingerprint`. */
  readonly payload: unknown;
  /** The part of the payload that is compared beside what the option `fingerprint` returns. */
  readonly operation: string;
  run(): Promise<unknown>;
}

/** Rejects with a refusal (`InProgressError` and the others), with what the handler throws, or with a `StoreError`. */
export type RunGuarded = (call: GuardedCall) => Promise<unknown>;

/** No scope function returns it by accident. */
const publicScope = 'public (all callers)';

/** Throws a `ConfigurationError` that names every invalid option. */
export function createGuardedRun(options: HandlerOptions): RunGuarded {
  const { store, scope, fingerprint, finalErrors, maxOutcomeBytes, ...others } = options;
  const { leaseMs, maxExecutionMs, ttlMs, tombstoneMs, unknownTtlMs, onFailure, onInProgress, onStoreUnavailable } =
    others;
  return makeIdempotent<GuardedCall, unknown>(
    async (call, context: OperationContext) => {
      setContext(call.identity, context);
      return toPlainResult(await call.run());
    },
    withoutUndefined({
      store,
      scope: typeof scope === 'function' ? (call: GuardedCall) => scope(call.input) : publicScope,
      key: ({ key }: GuardedCall) => key,
      fingerprint: fingerprintOf(fingerprint),
      // A function finds out the response of a request. Nothing knows the result of this work.
      onAbandoned: typeof options.onAbandoned === 'function' ? ('block' as const) : options.onAbandoned,
      ...{ leaseMs, maxExecutionMs, ttlMs, tombstoneMs, unknownTtlMs, onFailure, onInProgress, onStoreUnavailable },
      ...{ finalErrors, maxOutcomeBytes },
    }),
  );
}

function fingerprintOf(option: HandlerOptions['fingerprint']): false | ((call: GuardedCall) => unknown) {
  if (option === false) return false;
  if (typeof option === 'function') return async (call) => [call.operation, await option(call.input)];
  if (option === undefined) return ({ payload }) => payload;
  const remedy = 'Give its decorator one function, or false.';
  throw new ConfigurationError('option_invalid', `A list of fingerprints is for HTTP routes only. ${remedy}`);
}

type Defined<T> = { [Name in keyof T]: Exclude<T[Name], undefined> };

function withoutUndefined<T extends object>(options: T): Defined<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Defined<T>;
}
