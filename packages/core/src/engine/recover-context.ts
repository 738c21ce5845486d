// The context that a `recover` function receives.
import type { Attempt } from './attempt.js';
import type { RecoverContext } from './recovery.js';

export function createRecoverContext(attempt: Attempt): RecoverContext {
  const { steps, stepsInDoubt } = attempt;
  const deriveKey = (name: string) => attempt.deriveKey(name);
  return {
    key: attempt.key,
    recordName: attempt.recordName,
    attempt: attempt.attempt,
    takeover: attempt.takeover,
    fencingToken: attempt.fencingToken,
    signal: attempt.signal,
    deriveKey,
    recordedSteps: steps.recordedResults(),
    stepsInDoubt: stepsInDoubt.map((name) => ({ name, key: deriveKey(name) })),
  };
}
