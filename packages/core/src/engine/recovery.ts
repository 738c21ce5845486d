// Finding out what an abandoned attempt did: what a `recover` function is given, and what it may answer.
import { ConfigurationError } from '../errors.js';
import type { Attempt } from './attempt.js';
import type { OperationContext } from './operation-context.js';

/** A step that began, and of which nothing more is known. */
export interface StepInDoubt {
  readonly name: string;
  /** What the other system was given to recognise it by: `deriveKey(name)`. */
  readonly key: string;
}

/** What is known of the attempt before. Ask the other systems for the rest. */
export interface RecoverContext extends Omit<OperationContext, 'markNothingHappened' | 'step' | 'bypassed'> {
  /** The results on record, by the names of their steps. */
  readonly recordedSteps: ReadonlyMap<string, unknown>;
  readonly stepsInDoubt: readonly StepInDoubt[];
}

/** What a `recover` function found out. */
export type Recovery<T> =
  | { readonly found: 'done'; readonly result: T }
  | { readonly found: 'not_done'; readonly happened: Readonly<Record<string, unknown>> }
  | { readonly found: 'still_unknown'; readonly retryAfterMs: number | null };

/** Runs under the lease of the attempt that takes over: one key is never recovered by two at once. A throw decides nothing. */
export type Recover<T> = (context: RecoverContext) => Recovery<T> | Promise<Recovery<T>>;

/** The three answers that a `recover` function may return. */
export const recovery = Object.freeze({
  /** The work is done, with this result: it is recorded, and every repeat gets it. */
  done<T>(result: T): Recovery<T> {
    return { found: 'done', result };
  },

  /**
   * The work is not done: the operation runs, and continues from the recorded steps. Steps named in `happened` did happen, with
   * these results, which are recorded. Steps in doubt that are not named did not happen.
   */
  notDone(happened: Readonly<Record<string, unknown>> = {}): Recovery<never> {
    return { found: 'not_done', happened };
  },

  /**
   * Nobody can tell yet. The record stays unknown, and nobody asks again before `retryAfterMs` milliseconds have passed. Default
   * null: the next caller asks again. Throws a `ConfigurationError` for anything but a number of milliseconds.
   */
  stillUnknown(retryAfterMs: number | null = null): Recovery<never> {
    if (retryAfterMs === null) return { found: 'still_unknown', retryAfterMs };
    const wholeMs = Math.ceil(retryAfterMs);
    if (Number.isSafeInteger(wholeMs) && wholeMs >= 0) return { found: 'still_unknown', retryAfterMs: wholeMs };
    const rule = 'it must be a number of milliseconds, or left out';
    throw new ConfigurationError('argument_invalid', `recovery.stillUnknown() got ${String(retryAfterMs)}; ${rule}.`);
  },
});

/**
 * What a `recover` function answered, its result as the engine needs it. What says none of the three must not pass for one of
 * them: above all not for `recovery.notDone()`.
 */
export async function convertRecovery<T, U>(
  answer: Recovery<T> | Promise<Recovery<T>>,
  convert: (result: T) => U,
): Promise<Recovery<U>> {
  const found: Recovery<T> | undefined = await answer;
  switch (found?.found) {
    case 'done':
      return recovery.done(convert(found.result));
    case 'not_done':
    case 'still_unknown':
      return found;
    default: {
      const rule = 'it must return recovery.done(…), recovery.notDone() or recovery.stillUnknown()';
      throw new ConfigurationError(
        'argument_invalid',
        `A recover function gave something else than an answer; ${rule}.`,
      );
    }
  }
}

export function createRecoverContext(attempt: Attempt): RecoverContext {
  const { step: _step, markNothingHappened: _mark, bypassed: _bypassed, ...context } = attempt.createContext();
  const stepsInDoubt = attempt.steps.inDoubt.map((name) => ({ name, key: context.deriveKey(name) }));
  return { ...context, recordedSteps: attempt.steps.recordedResults(), stepsInDoubt };
}
