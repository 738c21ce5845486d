// What a function came to, and the bytes that stand for it on record: what comes back is what the record holds.

import type { ExecutionRequest, Work } from '../engine/execution.js';
import type { OperationContext } from '../engine/operation-context.js';
import { convertRecovery, type Recover } from '../engine/recovery.js';
import { IdempotencyError } from '../errors.js';
import { publish } from '../events.js';
import { decodeValue, encodeValue } from '../value-codec.js';
import { deserializeError, isFinalError, serializeError } from './final-error.js';
import type { FinalErrors } from './final-error-classes.js';

/** A result, or an error that is an outcome, with the bytes that stand for it; none where it cannot be kept. */
export type EncodedResult<T> = ({ readonly value: T } | { readonly error: unknown }) & {
  readonly bytes: Uint8Array | null;
};

/** The work, and how to find out what became of it. */
export interface Operation<T> {
  readonly run: (context: OperationContext) => T | Promise<T>;
  readonly recover: Recover<T> | null;
}

/** Checks what comes back from the record. A zod schema has `parse`. */
export interface ResultSchema<T> {
  parse(recorded: unknown): T;
}

export interface ResultCodecOptions<T> {
  readonly maxOutcomeBytes: number;
  readonly finalErrors: FinalErrors;
  /** Whether a final error is recorded with its cause. */
  readonly recordCause: boolean;
  readonly resultSchema: ResultSchema<T> | undefined;
}

/** What stands on record for an error begins with it; no result does. */
const errorPrefix = Buffer.from('!');

export function createResultWork<T>(
  { run, recover }: Operation<T>,
  plan: ExecutionRequest,
  options: ResultCodecOptions<T>,
): Work<EncodedResult<T>> {
  const keeping = async (result: () => T | Promise<T>): Promise<EncodedResult<T>> => {
    try {
      return encodeResult(await result(), plan, options);
    } catch (error) {
      if (!isFinalError(error, options.finalErrors)) throw error;
      return encodeFinalError(error, plan, options);
    }
  };
  return {
    run: async (context) => await keeping(() => run(context)),
    ...(recover === null
      ? {}
      : { recover: (context) => convertRecovery(recover(context), (result) => encodeResult(result, plan, options)) }),
    settle: ({ bytes }) => ({ as: 'done', outcome: bytes, note: null }),
    decode: (bytes) => decodeResult(bytes, options),
  };
}

/** The value, or the error thrown. */
export function unwrapResult<T>(outcome: EncodedResult<T>): T {
  if ('error' in outcome) throw outcome.error;
  return outcome.value;
}

/** The work has been done: a result that cannot be kept, whatever the reason, must not undo that. */
function encodeResult<T>(value: T, plan: ExecutionRequest, options: ResultCodecOptions<T>): EncodedResult<T> {
  const bytes = encodeWithinLimit(() => encodeValue(value), plan, options);
  return bytes === null ? { bytes, value } : { bytes, value: decodeRecordedValue(bytes) as T };
}

function encodeFinalError<T>(error: unknown, plan: ExecutionRequest, options: ResultCodecOptions<T>): EncodedResult<T> {
  const encode = () => Buffer.concat([errorPrefix, encodeValue(serializeError(error, options))]);
  return { bytes: encodeWithinLimit(encode, plan, options), error };
}

function encodeWithinLimit<T>(
  encode: () => Buffer,
  plan: ExecutionRequest,
  { maxOutcomeBytes }: ResultCodecOptions<T>,
): Buffer | null {
  try {
    const bytes = encode();
    if (bytes.byteLength <= maxOutcomeBytes) return bytes;
    publishNotKept(plan, `it has ${bytes.byteLength} bytes; maxOutcomeBytes is ${maxOutcomeBytes}`);
  } catch (error) {
    publishNotKept(plan, error instanceof Error ? error.message : String(error));
  }
  return null;
}

function publishNotKept(plan: ExecutionRequest, reason: string): void {
  publish('outcome_not_kept', () => ({ store: plan.store.name, recordName: plan.recordName, reason }));
}

function decodeResult<T>(bytes: Uint8Array, { finalErrors, resultSchema }: ResultCodecOptions<T>): EncodedResult<T> {
  if (bytes[0] === errorPrefix[0]) {
    return { bytes, error: decodeOrThrow(() => deserializeError(decodeValue(bytes.subarray(1)), finalErrors)) };
  }
  const value = decodeRecordedValue(bytes);
  return { bytes, value: resultSchema === undefined ? (value as T) : applyResultSchema(value, resultSchema) };
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

function applyResultSchema<T>(value: unknown, schema: ResultSchema<T>): T {
  try {
    return schema.parse(value);
  } catch (cause) {
    const remedy = 'Let the schema accept what was recorded before';
    throw new IdempotencyError('outcome_invalid', `The recorded result does not fit its schema. ${remedy}.`, { cause });
  }
}
