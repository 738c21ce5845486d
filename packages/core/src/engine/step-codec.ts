// The bytes under which a step is on record: an intent, a result, or the mark of a step that did not happen.
import { IdempotencyError } from '../errors.js';
import type { StepEntry } from '../protocol/record.js';
import { decodeValue, encodeValue } from '../value-codec.js';

/** Records are read and written whole: the result of a step is an id, not a file. */
const maxStepBytes = 1_048_576;

/** The first byte says which of the three it is. Only a result has more bytes. */
const resultMark = 'r'.charCodeAt(0);
export const withdrawnMark = Buffer.from('w');
export const intentMark = Buffer.from('i');

export function hasResult(entry: StepEntry | undefined): entry is StepEntry {
  return entry?.bytes[0] === resultMark;
}

/** Throws an `IdempotencyError` (`outcome_invalid`) for a value that cannot be recorded. */
export function encodeStepResult(name: string, value: unknown): Buffer {
  try {
    const bytes = encodeValue(value);
    if (bytes.byteLength > maxStepBytes) throw new Error(`it has ${bytes.byteLength} bytes, more than ${maxStepBytes}`);
    return Buffer.concat([Buffer.of(resultMark), bytes]);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const remedy = 'Let it return plain data, such as an id';
    throw new IdempotencyError(
      'outcome_invalid',
      `The result of the step ${name} cannot be recorded: ${why}. ${remedy}.`,
      { cause },
    );
  }
}

/** Throws an `IdempotencyError` (`outcome_invalid`) for bytes that this version cannot read. */
export function decodeStepResult(name: string, bytes: Uint8Array): unknown {
  try {
    return decodeValue(bytes.subarray(1));
  } catch (cause) {
    throw new IdempotencyError('outcome_invalid', `The recorded result of the step ${name} cannot be read.`, { cause });
  }
}
