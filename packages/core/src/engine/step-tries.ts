// The tries of one step within one attempt: calls its function, and calls it again after a failure as the options say.
import { ConfigurationError, IdempotencyError } from '../errors.js';
import { publish } from '../events.js';
import type { CheckedStepOptions, StepContext, StepOptions } from './step-options.js';
import type { StepRecorder } from './step-recorder.js';
import { backoffMs, pauseUnlessAborted } from './time.js';
import { noTransactionError } from './transaction-errors.js';

type StepFunction<T> = (context: StepContext) => T | Promise<T>;

/** How the tries ended: with a value, or with the last error. `nothingHappened`: the last try said that it changed nothing. */
type TriesEnd<T> = { readonly nothingHappened: boolean } & (
  | { readonly kind: 'returned'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: unknown }
);

/**
 * Calls the function up to `retries` + 1 times. Every retry publishes `step_retried` before it waits. A lost lease ends the wait
 * at once, and the step has failed with the signal's reason, a `LeaseLostError`.
 */
export async function runTries<T>(
  recorder: StepRecorder,
  name: string,
  fn: StepFunction<T>,
  options: CheckedStepOptions,
  retryable: StepOptions<T>['retryable'],
): Promise<TriesEnd<T>> {
  const { retries, backoff, atMostOnce } = options;
  for (let tryNumber = 1; ; tryNumber += 1) {
    const end = await runOnce(recorder, name, fn, tryNumber);
    if (end.kind === 'returned') return end;
    const { error, nothingHappened } = end;
    // Repeating a step that may have taken effect is what `atMostOnce` forbids.
    if (tryNumber > retries || (atMostOnce && !nothingHappened)) return end;
    try {
      if (recorder.signal.aborted || !mayRetry(recorder, name, error, retryable)) return end;
      const delayMs = Math.round(backoffMs(tryNumber - 1, backoff));
      publish('step_retried', () => ({ ...recorder.attemptSubject(), step: name, tryNumber, delayMs, error }));
      await pauseUnlessAborted(delayMs, recorder.signal);
      recorder.assertLeaseValid();
    } catch (thrown) {
      return { kind: 'failed', error: thrown, nothingHappened };
    }
  }
}

async function runOnce<T>(
  recorder: StepRecorder,
  name: string,
  fn: StepFunction<T>,
  tryNumber: number,
): Promise<TriesEnd<T>> {
  const { attempt, signal } = recorder;
  let nothingHappened = false;
  const markNothingHappened = () => {
    nothingHappened = true;
  };
  try {
    const key = recorder.deriveKey(name);
    const value = await fn({ key, attempt, tryNumber, signal, markNothingHappened, enqueue: refuseToEnqueue });
    return { kind: 'returned', value, nothingHappened };
  } catch (error) {
    return { kind: 'failed', error, nothingHappened };
  }
}

/** In a step without the option `transaction`. */
async function refuseToEnqueue(): Promise<never> {
  throw noTransactionError('enqueue() of a step');
}

function mayRetry(
  recorder: StepRecorder,
  name: string,
  error: unknown,
  retryable: ((error: unknown) => boolean) | undefined,
): boolean {
  // An error of onceguard's own speaks of another key, of a store, or of a mistake in the program.
  if (retryable === undefined) return !(error instanceof IdempotencyError) && !recorder.isFinalError(error);
  const verdict: unknown = retryable(error);
  if (typeof verdict === 'boolean') return verdict;
  const rule = 'it must return true or false, and may not be async';
  throw new ConfigurationError(
    'option_invalid',
    `step(${JSON.stringify(name)}): retryable returned ${typeof verdict}; ${rule}.`,
  );
}
