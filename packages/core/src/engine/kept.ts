// What a function came to, and the bytes that stand for it on record: what comes back is what the record holds.
import { IdempotencyError } from '../errors.js';
import { publish } from '../events.js';
import { decodeValue, encodeValue } from '../value.js';
import type { OperationContext } from './context.js';
import { errorData, errorFrom, isFinalError } from './final-error.js';
import type { FinalErrors } from './final-error-classes.js';
import type { Plan, Work } from './plan.js';
import { type Recover, recoveryOf } from './recovery.js';

/** A result, or an error that is an outcome, with the bytes that stand for it; none where it cannot be kept. */
export type Kept<T> = ({ readonly value: T } | { readonly error: unknown }) & { readonly bytes: Uint8Array | null };

/** The work, and how to find out what became of it. */
export interface Operation<T> {
  readonly run: (context: OperationContext) => T | Promise<T>;
  readonly recover: Recover<T> | null;
}

/** Checks what comes back from the record. A zod schema has `parse`. */
export interface ResultSchema<T> {
  parse(recorded: unknown): T;
}

export interface KeepOptions<T> {
  readonly maxOutcomeBytes: number;
  readonly finalErrors: FinalErrors;
  /** Whether a final error is recorded with its cause. */
  readonly recordCause: boolean;
  readonly result: ResultSchema<T> | undefined;
}

/** What stands on record for an error begins with it; no result does. */
const errorMark = Buffer.from('!');

export function kept<T>({ run, recover }: Operation<T>, plan: Plan, options: KeepOptions<T>): Work<Kept<T>> {
  const keeping = async (result: () => T | Promise<T>): Promise<Kept<T>> => {
    try {
      return keep(await result(), plan, options);
    } catch (error) {
      if (!isFinalError(error, options.finalErrors)) throw error;
      return keepError(error, plan, options);
    }
  };
  return {
    run: async (context) => await keeping(() => run(context)),
    ...(recover === null
      ? {}
      : { recover: (context) => recoveryOf(recover(context), (result) => keep(result, plan, options)) }),
    settle: ({ bytes }) => ({ as: 'done', outcome: bytes, note: null }),
    revive: (bytes) => revived(bytes, options),
  };
}

/** The value, or the error thrown. */
export function resultOf<T>(outcome: Kept<T>): T {
  if ('error' in outcome) throw outcome.error;
  return outcome.value;
}

/** The work has been done: a result that cannot be kept, whatever the reason, must not undo that. */
function keep<T>(value: T, plan: Plan, options: KeepOptions<T>): Kept<T> {
  const bytes = encodedWithin(() => encodeValue(value), plan, options);
  return bytes === null ? { bytes, value } : { bytes, value: valueIn(bytes) as T };
}

function keepError<T>(error: unknown, plan: Plan, options: KeepOptions<T>): Kept<T> {
  const encode = () => Buffer.concat([errorMark, encodeValue(errorData(error, options))]);
  return { bytes: encodedWithin(encode, plan, options), error };
}

function encodedWithin<T>(encode: () => Buffer, plan: Plan, { maxOutcomeBytes }: KeepOptions<T>): Buffer | null {
  try {
    const bytes = encode();
    if (bytes.byteLength <= maxOutcomeBytes) return bytes;
    notKept(plan, `it has ${bytes.byteLength} bytes; maxOutcomeBytes is ${maxOutcomeBytes}`);
  } catch (error) {
    notKept(plan, error instanceof Error ? error.message : String(error));
  }
  return null;
}

function notKept(plan: Plan, reason: string): void {
  publish('outcome_not_kept', () => ({ store: plan.store.name, name: plan.name, reason }));
}

function revived<T>(bytes: Uint8Array, { finalErrors, result }: KeepOptions<T>): Kept<T> {
  if (bytes[0] === errorMark[0]) {
    return { bytes, error: readable(() => errorFrom(decodeValue(bytes.subarray(1)), finalErrors)) };
  }
  const value = valueIn(bytes);
  return { bytes, value: result === undefined ? (value as T) : fitting(value, result) };
}

function valueIn(bytes: Uint8Array): unknown {
  return readable(() => decodeValue(bytes));
}

function readable<T>(decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw new IdempotencyError('outcome_invalid', 'The recorded result cannot be read by this version.', { cause });
  }
}

function fitting<T>(value: unknown, schema: ResultSchema<T>): T {
  try {
    return schema.parse(value);
  } catch (cause) {
    const remedy = 'Let the schema accept what was recorded before';
    throw new IdempotencyError('outcome_invalid', `The recorded result does not fit its schema. ${remedy}.`, { cause });
  }
}
