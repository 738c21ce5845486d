// Calls the functions among the options. What a function throws reaches the application as an Error, and no call lasts for ever.
import { isNativeError } from 'node:util/types';
import { ConfigurationError } from '../errors.js';

/** Errors that the application threw. Its own error handler gets them as they are. */
const thrownByApplication = new WeakSet<Error>();

export function isThrownByApplication(error: Error): boolean {
  return thrownByApplication.has(error);
}

/**
 * Calls the option `name`, a function that may be asynchronous. Rejects with the error that it threw; with a `ConfigurationError`
 * that names the option where it threw something else, or did not settle within `limitMs`.
 */
export async function callWithTimeout<T>(name: string, limitMs: number, call: () => T | Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const given = call();
    if (!isThenable(given)) return given;
    const timeUp = new Promise<never>((_, reject) => {
      timer = setTimeout(reject, limitMs, timedOut);
    });
    return await Promise.race([given, timeUp]);
  } catch (thrown) {
    if (thrown === timedOut)
      throw callbackError(`The function ${name} did not settle within ${limitMs} ms (callbackTimeoutMs).`);
    throw toCallbackError(name, thrown);
  } finally {
    clearTimeout(timer);
  }
}

const timedOut = Symbol('overdue');

/**
 * Calls the option `name`, a function that answers at once. Throws a `ConfigurationError` that names the option where it throws, or
 * gives a promise.
 */
export function callSync<T>(name: string, call: () => T): T {
  let given: T;
  try {
    given = call();
  } catch (cause) {
    throw callbackError(`The function ${name} threw ${describeThrown(cause)}.`, cause);
  }
  if (!isThenable(given)) return given;
  // Nobody waits for this promise: its rejection must not end the process.
  given.then(undefined, () => {});
  throw callbackError(`The function ${name} gave a promise; it must answer at once.`);
}

/** The error that a function of the application threw; a `ConfigurationError` that names the function where it threw another value. */
function toCallbackError(name: string, thrown: unknown): Error {
  if (!isError(thrown))
    return callbackError(`The function ${name} threw ${describeThrown(thrown)}; it must throw an Error.`, thrown);
  thrownByApplication.add(thrown);
  return thrown;
}

/** Errors of another realm (`node:vm`, jest) are no instances of this one's class. */
export function isError(thrown: unknown): thrown is Error {
  return thrown instanceof Error || isNativeError(thrown);
}

function callbackError(message: string, ...cause: readonly unknown[]): ConfigurationError {
  return new ConfigurationError('option_invalid', message, cause.length === 0 ? {} : { cause: cause[0] });
}

function isThenable<T>(given: T | PromiseLike<T>): given is PromiseLike<T> {
  return typeof given === 'object' && given !== null && 'then' in given && typeof given.then === 'function';
}

/** For the application's own logs: what it was, without its content. */
function describeThrown(thrown: unknown): string {
  if (isError(thrown)) return `an error (${thrown.message})`;
  if (thrown === null || thrown === undefined) return String(thrown);
  return `a value of type ${typeof thrown}`;
}
