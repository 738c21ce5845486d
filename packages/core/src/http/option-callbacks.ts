// Calls the functions among the options. The application gets what they throw as an Error, and no call lasts forever.
import { isNativeError } from 'node:util/types';
import { ConfigurationError } from '../errors.js';
import { startDeadline } from '../timers.js';

/** Errors that the application's own functions threw. The application's error handler gets them unchanged. */
const thrownByApplication = new WeakSet<Error>();

export function isThrownByApplication(error: Error): boolean {
  return thrownByApplication.has(error);
}

/**
 * Calls the option `name`, a function that may return a promise. Throws, or rejects with, the Error that the function threw, and a
 * `ConfigurationError` that names the option where the function threw another value, or did not settle within `limitMs` milliseconds.
 * Most functions return at once, and then this does.
 */
export function callWithTimeout<T>(name: string, limitMs: number, call: () => T | Promise<T>): T | Promise<T> {
  let returned: T | Promise<T>;
  try {
    returned = call();
  } catch (thrown) {
    throw toCallbackError(name, thrown);
  }
  return isThenable(returned) ? settleWithin(name, limitMs, returned) : returned;
}

async function settleWithin<T>(name: string, limitMs: number, returned: PromiseLike<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const timeout = new Promise<never>((_, reject) => {
      timer = startDeadline(limitMs, () => reject(timedOut));
    });
    return await Promise.race([returned, timeout]);
  } catch (thrown) {
    if (thrown === timedOut)
      throw callbackError(`The function ${name} did not settle within ${limitMs} ms (callbackTimeoutMs).`);
    throw toCallbackError(name, thrown);
  } finally {
    clearTimeout(timer);
  }
}

const timedOut = Symbol('timed out');

/**
 * Calls the option `name`, a function that must return synchronously. Throws a `ConfigurationError` that names the option where the
 * function throws or returns a promise.
 */
export function callSync<T>(name: string, call: () => T): T {
  let returned: T;
  try {
    returned = call();
  } catch (cause) {
    throw callbackError(`The function ${name} threw ${describeThrown(cause)}.`, cause);
  }
  if (!isThenable(returned)) return returned;
  // Nobody waits for this promise, and an unhandled rejection would end the process.
  returned.then(undefined, () => {});
  throw callbackError(`The function ${name} returned a promise; it must return synchronously.`);
}

/** The Error that the function threw, marked as the application's. A `ConfigurationError` where it threw another value. */
function toCallbackError(name: string, thrown: unknown): Error {
  if (!isError(thrown))
    return callbackError(`The function ${name} threw ${describeThrown(thrown)}; it must throw an Error.`, thrown);
  thrownByApplication.add(thrown);
  return thrown;
}

/** Errors of another realm (`node:vm`, jest) are not instances of this realm's Error. */
export function isError(thrown: unknown): thrown is Error {
  return thrown instanceof Error || isNativeError(thrown);
}

function callbackError(message: string, ...cause: readonly unknown[]): ConfigurationError {
  return new ConfigurationError('option_invalid', message, cause.length === 0 ? {} : { cause: cause[0] });
}

/**
 * Continues with what `callWithTimeout` returned: at once where it is no promise. An async function returns one of the language, which is no
 * instance of `Promise` where an application has replaced that.
 */
export function whenSettled<T, Result>(value: T | Promise<T>, next: (settled: T) => Result): Result | Promise<Result> {
  return isThenable(value) ? value.then(next) : next(value);
}

export function isThenable<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** For the application's own logs: the type of the value, not its content. */
function describeThrown(thrown: unknown): string {
  if (isError(thrown)) return `an error (${thrown.message})`;
  if (thrown === null || thrown === undefined) return String(thrown);
  return `a value of type ${typeof thrown}`;
}
