// Encodes a function's result, or its final error, for the record, and decodes it. Every caller gets what the record holds.
import type { ExecutionRequest, Work } from '../engine/execution.js';
import type { OperationContext } from '../engine/operation-context.js';
import { convertRecovery, type Recover } from '../engine/recovery.js';
import { applyResultSchema } from '../engine/result-schema.js';
import { IdempotencyError } from '../errors.js';
import { publish } from '../events.js';
import { decodeValue, encodeValue } from '../value-codec.js';
import { deserializeError, isFinalError, serializeError } from './final-error.js';
import type { FinalErrors } from './final-error-classes.js';
import type { CheckedWorkOptions } from './function-options.js';

/** What a call runs, and how the outcome of an abandoned attempt is found out. */
export interface Operation<T> {
  readonly run: (context: OperationContext) => T | Promise<T>;
  readonly recover: Recover<T> | null;
}

/** A result or a final error, with its encoding. `bytes` is null where it cannot be kept. */
export type EncodedResult<T> = ({ readonly value: T } | { readonly error: unknown }) & {
  readonly bytes: Uint8Array | null;
};

/** The recorded bytes of an error begin with it. Those of a result never do. */
const errorPrefix = Buffer.from('!');

/** The work of one call, as the engine runs it. */
export function createResultWork<T>(
  { run, recover }: Operation<T>,
  request: ExecutionRequest,
  options: CheckedWorkOptions<T>,
): Work<EncodedResult<T>> {
  return {
    isRepeatable: true,
    run: async (context) => {
      try {
        return encodeResult(await run(context), request, options);
      } catch (error) {
        if (!isFinalError(error, options.finalErrors)) throw error;
        return encodeFinalError(error, request, options);
      }
    },
    ...(recover === null
      ? {}
      : {
          recover: (context) => convertRecovery(recover(context), (result) => encodeResult(result, request, options)),
        }),
    settle: (result) => ({
      as: 'done',
      kind: 'error' in result ? 'error' : 'result',
      outcome: result.bytes,
      note: null,
    }),
    decode: (bytes) => restoreResult(bytes, options),
  };
}

/** The value. Throws a final error. */
export function unwrapResult<T>(result: EncodedResult<T>): T {
  if ('error' in result) throw result.error;
  return result.value;
}

/** Never fails because the result cannot be kept: the work has been done. */
function encodeResult<T>(value: T, request: ExecutionRequest, options: CheckedWorkOptions<T>): EncodedResult<T> {
  const bytes = encodeWithinLimit(() => encodeValue(value), request, options);
  return bytes === null ? { bytes, value } : { bytes, value: decodeRecordedValue(bytes) as T };
}

function encodeFinalError<T>(
  error: unknown,
  request: ExecutionRequest,
  options: CheckedWorkOptions<T>,
): EncodedResult<T> {
  const encode = () => Buffer.concat([errorPrefix, encodeValue(serializeError(error, options))]);
  return { bytes: encodeWithinLimit(encode, request, options), error };
}

function encodeWithinLimit<T>(
  encode: () => Buffer,
  request: ExecutionRequest,
  { maxOutcomeBytes }: CheckedWorkOptions<T>,
): Buffer | null {
  try {
    const bytes = encode();
    if (bytes.byteLength <= maxOutcomeBytes) return bytes;
    publishNotKept(request, `it has ${bytes.byteLength} bytes; maxOutcomeBytes is ${maxOutcomeBytes}`);
  } catch (error) {
    publishNotKept(request, error instanceof Error ? error.message : String(error));
  }
  return null;
}

function publishNotKept({ store, recordName, operation }: ExecutionRequest, reason: string): void {
  publish('outcome_not_kept', () => ({ store: store.name, recordName, operation, reason }));
}

function restoreResult<T>(bytes: Uint8Array, { finalErrors, resultSchema }: CheckedWorkOptions<T>): EncodedResult<T> {
  const decoded = decodeResult(bytes, finalErrors);
  if (decoded.kind === 'error') return { bytes, error: decoded.error };
  if (resultSchema === undefined) return { bytes, value: decoded.value as T };
  const remedy = 'Let the schema accept what was recorded before';
  return { bytes, value: applyResultSchema(decoded.value, resultSchema, 'The recorded result', remedy) };
}

/** What a function left on record: its result, or the final error that it threw. */
export type DecodedResult =
  | { readonly kind: 'result'; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: Error };

/**
 * Decodes the outcome of a function, for people and tools. An error is of its class where `finalErrors` lists the class, else a plain
 * `Error` with the same name, message and code. Throws an `IdempotencyError` (`outcome_invalid`) for bytes that this version cannot read.
 *
 * @param bytes - the outcome, such as `resolveDoubt` takes it
 * @param finalErrors - those of the function's options. Default: none
 *
 * @example
 * const decoded = decodeResult(outcome);
 * if (decoded.kind === 'result') console.log(decoded.value);
 */
export function decodeResult(bytes: Uint8Array, finalErrors: FinalErrors = []): DecodedResult {
  if (bytes[0] !== errorPrefix[0]) return { kind: 'result', value: decodeRecordedValue(bytes) };
  const error = decodeOrThrow(() => deserializeError(decodeValue(bytes.subarray(1)), finalErrors));
  return { kind: 'error', error };
}

function decodeRecordedValue(bytes: Uint8Array): unknown {
  return decodeOrThrow(() => decodeValue(bytes));
}

function decodeOrThrow<T>(decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw new IdempotencyError('outcome_invalid', 'The recorded result cannot be read by this version.', { cause });
  }
}
