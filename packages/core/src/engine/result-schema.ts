// The check of a result that comes back from the record.
import { IdempotencyError } from '../errors.js';

/** Checks a recorded result, which an earlier version of the program may have written. A zod schema has this form. */
export interface ResultSchema<T> {
  parse(recorded: unknown): T;
}

/** The value as the schema returns it. Throws an `IdempotencyError` (`outcome_invalid`) whose message begins with `subject`. */
export function applyResultSchema<T>(value: unknown, schema: ResultSchema<T>, subject: string, remedy: string): T {
  try {
    return schema.parse(value);
  } catch (cause) {
    throw new IdempotencyError('outcome_invalid', `${subject} does not fit its schema. ${remedy}.`, { cause });
  }
}
