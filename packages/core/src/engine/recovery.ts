// Finding out what an abandoned attempt did: what a `recover` function receives and what it returns.
import { ConfigurationError } from '../errors.js';
import type { OperationContext } from './operation-context.js';

/** A step that began and whose end is not known. */
export interface StepInDoubt {
  readonly name: string;
  /** The key that the step had for the other system: `deriveKey(name)`. */
  readonly key: string;
}

/** What is known about the abandoned attempt. Ask the other systems for the rest. */
export interface RecoverContext
  extends Omit<OperationContext, 'markNothingHappened' | 'step' | 'enqueue' | 'bypassed'> {
  /** The recorded results, by the names of their steps. */
  readonly recordedSteps: ReadonlyMap<string, unknown>;
  readonly stepsInDoubt: readonly StepInDoubt[];
}

/** What a `recover` function found out. Create one with `recovery`. */
export type Recovery<T> =
  | { readonly found: 'done'; readonly result: T }
  | { readonly found: 'not_done'; readonly happened: Readonly<Record<string, unknown>> }
  | { readonly found: 'still_unknown'; readonly retryAfterMs: number | null };

/**
 * Finds out what an abandoned attempt did. Runs under the lease of the attempt that takes over, so that one key is never recovered by
 * two processes at once. If it throws, the outcome stays unknown.
 */
export type Recover<T> = (context: RecoverContext) => Recovery<T> | Promise<Recovery<T>>;

/**
 * The three values that a `recover` function may return.
 *
 * @example
 * const onAbandoned = async ({ deriveKey }) => {
 *   const charge = await provider.findByIdempotencyKey(deriveKey('charge'));
 *   return charge === null ? recovery.notDone() : recovery.done(charge.id);
 * };
 */
export const recovery = Object.freeze({
  /** The work is done, with this result. It is recorded, and every repeat gets it. */
  done<T>(result: T): Recovery<T> {
    return { found: 'done', result };
  },

  /**
   * The work is not done. The operation runs, and continues from the recorded steps. The steps named in `happened` did happen, with
   * these results, which are recorded. Steps in doubt that are not named did not happen.
   */
  notDone(happened: Readonly<Record<string, unknown>> = {}): Recovery<never> {
    return { found: 'not_done', happened };
  },

  /**
   * Nobody can tell yet. The record stays unknown, and no caller runs `recover` again before `retryAfterMs` milliseconds have passed.
   * Default null: the next caller does. Throws a `ConfigurationError` for anything but a number of milliseconds.
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
 * What a `recover` function returned, its result converted by `convert`. Throws a `ConfigurationError` for any other value: it must
 * not pass for `recovery.notDone()`, which would run the operation.
 */
export async function convertRecovery<T, U>(
  returned: Recovery<T> | Promise<Recovery<T>>,
  convert: (result: T) => U,
): Promise<Recovery<U>> {
  const found: Recovery<T> | undefined = await returned;
  switch (found?.found) {
    case 'done':
      return recovery.done(convert(found.result));
    case 'not_done':
    case 'still_unknown':
      return found;
    default: {
      const rule = 'it must return recovery.done(…), recovery.notDone() or recovery.stillUnknown()';
      throw new ConfigurationError('argument_invalid', `A recover function returned something else; ${rule}.`);
    }
  }
}
