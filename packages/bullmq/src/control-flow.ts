// The errors of BullMQ that say where a job goes next, and not that it failed.

const controlFlowNames: ReadonlySet<string> = new Set([
  'DelayedError',
  'RateLimitError',
  'WaitingChildrenError',
  'WaitingError',
]);

/** What BullMQ gives them for a message, where the handler does not. */
const controlFlowMessages: ReadonlySet<string> = new Set([
  'bullmq:movedToDelayed',
  'bullmq:movedToWait',
  'bullmq:movedToWaitingChildren',
  'bullmq:rateLimitExceeded',
]);

/** Of whatever copy of BullMQ. Classes that extend them count, and a bundler may have changed the names of classes. */
export function isControlFlowError(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  if (controlFlowNames.has(error.name) || controlFlowMessages.has(error.message)) return true;
  for (
    let prototype: unknown = error;
    typeof prototype === 'object' && prototype !== null;
    prototype = Object.getPrototypeOf(prototype)
  ) {
    if (controlFlowNames.has(prototype.constructor.name)) return true;
  }
  return false;
}

/**
 * Carries such an error through the engine. It is not an `Error`, so that no class in `finalErrors` takes it for an outcome.
 */
export class WrappedControlFlow {
  constructor(readonly error: Error) {}
}
