// Final errors, which are an outcome of the work: how they are recorded, and how they are restored for a repeat.
import { isNativeError } from 'node:util/types';
import { InProgressError, LeaseLostError, OutcomeUnknownError, StoreError } from '../errors.js';
import { encodeValue } from '../value-codec.js';
import { type FinalErrorClass, type FinalErrors, listFinalErrorClasses } from './final-error-classes.js';
import type { CheckedWorkOptions } from './function-options.js';

/** An error as it is recorded: plain data. Only `name` and `message` are always present. */
interface SerializedError {
  readonly name: string;
  readonly message: string;
  /** The recorded name of its class, where it differs from the name of the error. */
  readonly class?: string;
  /** Set where the recorded name of the class is valid in the same build only. */
  readonly build?: string;
  readonly code?: unknown;
  readonly cause?: unknown;
}

/** How deep causes of causes are recorded. A circle ends here too. */
const maxCauseDepth = 5;

/** These errors are about the attempt or the store. They are never an outcome of the work. */
const neverFinal = [InProgressError, LeaseLostError, OutcomeUnknownError, StoreError];

/**
 * Returns whether an error is an outcome according to `finalErrors`, so that it is recorded and thrown again for every repeat. A repeat
 * gets an error of the same class if the class is listed. Else it gets a plain `Error` with the same name, message and code, so a
 * function that picks errors should test those. Errors of onceguard about the attempt or the store are never final.
 *
 * @example
 * if (isFinalError(error, { CardDeclined })) return showDeclined(error);
 */
export function isFinalError(error: unknown, finalErrors: FinalErrors): boolean {
  if (neverFinal.some((errorClass) => error instanceof errorClass)) return false;
  if (typeof finalErrors === 'function') return finalErrors(error);
  return listFinalErrorClasses(finalErrors).some(({ errorClass }) => error instanceof errorClass);
}

/** What is recorded of an error: its class, name, message and code, and its cause with `recordCause`. Never its stack. */
export function serializeError(
  error: unknown,
  options: Pick<CheckedWorkOptions<unknown>, 'finalErrors' | 'recordCause'>,
  depth = 0,
): SerializedError {
  if (!isNativeError(error)) return { name: 'Error', message: String(error) };
  const { name, message, cause } = error;
  const { finalErrors, recordCause } = options;
  const finalClass = findErrorClass(error, finalErrors);
  const code = 'code' in error ? toRecordable(error.code) : undefined;
  const hasCause = recordCause && depth < maxCauseDepth && cause !== undefined;
  return {
    name,
    message,
    ...(finalClass === undefined || finalClass.name === name ? {} : { class: finalClass.name }),
    ...(typeof finalClass?.buildDigest === 'string' ? { build: finalClass.buildDigest } : {}),
    ...(code === undefined ? {} : { code }),
    ...(hasCause
      ? { cause: isNativeError(cause) ? { $error: serializeError(cause, options, depth + 1) } : toRecordable(cause) }
      : {}),
  };
}

/** The recorded error with its name, message, code and cause. Of its class where that is listed, so that `instanceof` holds. */
export function deserializeError(data: unknown, finalErrors: FinalErrors): Error {
  const {
    name,
    message,
    class: className = name,
    build = null,
    code,
    cause,
  } = Object(data) as Partial<SerializedError>;
  const error = new Error(String(message), cause === undefined ? {} : { cause: deserializeCause(cause, finalErrors) });
  const finalClass = listFinalErrorClasses(finalErrors).find(
    (listed) => listed.name === className && listed.buildDigest === build,
  );
  if (finalClass !== undefined) Object.setPrototypeOf(error, finalClass.errorClass.prototype);
  Object.defineProperty(error, 'name', { value: String(name), configurable: true, writable: true });
  return code === undefined ? error : Object.assign(error, { code });
}

/** The error's own class if it is listed, else a listed class that it extends. */
function findErrorClass(error: Error, finalErrors: FinalErrors): FinalErrorClass | undefined {
  const classes = listFinalErrorClasses(finalErrors);
  return (
    classes.find(({ errorClass }) => error.constructor === errorClass) ??
    classes.find(({ errorClass }) => error instanceof errorClass)
  );
}

function deserializeCause(cause: unknown, finalErrors: FinalErrors): unknown {
  const isError = typeof cause === 'object' && cause !== null && '$error' in cause;
  return isError ? deserializeError(cause.$error, finalErrors) : cause;
}

/** The value itself if it can be recorded, else its text. */
function toRecordable(value: unknown): unknown {
  try {
    encodeValue(value);
    return value;
  } catch {
    return String(value);
  }
}
