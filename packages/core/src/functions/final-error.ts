// Errors that are an outcome: how they are recorded, and how a repeat gets them back.
import { isNativeError } from 'node:util/types';
import { InProgressError, LeaseLostError, OutcomeUnknownError, StoreError } from '../errors.js';
import { encodeValue } from '../value-codec.js';
import { type FinalErrorClass, type FinalErrors, listFinalErrorClasses } from './final-error-classes.js';

/** An error as it is recorded: plain data, of which all but name and message may be missing. */
interface SerializedError {
  readonly name: string;
  readonly message: string;
  /** The name of its class among the final ones, where that is not the name of the error. */
  readonly class?: string;
  /** Set where only the same build may take `class`, or else `name`, for its class. */
  readonly build?: string;
  readonly code?: unknown;
  readonly cause?: unknown;
}

/** Causes of causes: deeper than this nobody looks, and a circle ends here. */
const maxCauseDepth = 5;

/** They speak of this attempt, or of what it is not told, and never of what the work came to. */
const neverFinal = [InProgressError, LeaseLostError, OutcomeUnknownError, StoreError];

/**
 * Whether such an error is an outcome. A repeat gets it back as its class, where it is of one that is named; else as a plain
 * `Error` with its name, message and code, so a function should look at those.
 */
export function isFinalError(error: unknown, finalErrors: FinalErrors): boolean {
  if (neverFinal.some((errorClass) => error instanceof errorClass)) return false;
  if (typeof finalErrors === 'function') return finalErrors(error);
  return listFinalErrorClasses(finalErrors).some(({ errorClass }) => error instanceof errorClass);
}

export interface SerializeErrorOptions {
  readonly finalErrors: FinalErrors;
  /** Whether its cause is recorded, too. */
  readonly recordCause: boolean;
}

/** What is recorded of it: class, name, message and code, and its cause unless that is left out. Never its stack. */
export function serializeError(error: unknown, recording: SerializeErrorOptions, depth = 0): SerializedError {
  if (!isNativeError(error)) return { name: 'Error', message: String(error) };
  const { name, message, cause } = error;
  const { finalErrors, recordCause: withCause } = recording;
  const found = findErrorClass(error, finalErrors);
  const code = 'code' in error ? toRecordable(error.code) : undefined;
  const deeper = withCause && depth < maxCauseDepth && cause !== undefined;
  return {
    name,
    message,
    ...(found === undefined || found.name === name ? {} : { class: found.name }),
    ...(typeof found?.buildDigest === 'string' ? { build: found.buildDigest } : {}),
    ...(code === undefined ? {} : { code }),
    ...(deeper
      ? { cause: isNativeError(cause) ? { $error: serializeError(cause, recording, depth + 1) } : toRecordable(cause) }
      : {}),
  };
}

/** The error again: of its class, where that is among these, so that `instanceof` holds; with its name, code and cause. */
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
  const found = listFinalErrorClasses(finalErrors).find((one) => one.name === className && one.buildDigest === build);
  if (found !== undefined) Object.setPrototypeOf(error, found.errorClass.prototype);
  Object.defineProperty(error, 'name', { value: String(name), configurable: true, writable: true });
  return code === undefined ? error : Object.assign(error, { code });
}

/** Its own class if that is among these, else one that it extends. */
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

/** What can be recorded of it; the rest as text. */
function toRecordable(value: unknown): unknown {
  try {
    encodeValue(value);
    return value;
  } catch {
    return String(value);
  }
}
