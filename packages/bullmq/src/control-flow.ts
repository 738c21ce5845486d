// The errors of BullMQ that say where a job goes next, and not that it failed.

const names: ReadonlySet<string> = new Set(['DelayedError', 'RateLimitError', 'WaitingChildrenError', 'WaitingError']);

/** What BullMQ gives them for a message, where the handler does not. */
const messages: ReadonlySet<string> = new Set([
  'bullmq:movedToDelayed',
  'bullmq:movedToWait',
  'bullmq:movedToWaitingChildren',
  'bullmq:rateLimitExceeded',
]);

/** Of whatever copy of BullMQ. Classes that extend them count, and a bundler may have changed the names of classes. */
export function isControlFlow(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  if (names.has(error.name) || messages.has(error.message)) return true;
  for (let at: unknown = error; typeof at === 'object' && at !== null; at = Object.getPrototypeOf(at)) {
    if (names.has(at.constructor.name)) return true;
  }
  return false;
}

/**
 * Carries such an error through the engine. It is not an `Error`, so that no class in `finalErrors` takes it for an outcome.
 */
export class Rerouted {
  constructor(readonly error: Error) {}
}
