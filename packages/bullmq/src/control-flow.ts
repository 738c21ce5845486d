// Recognises the errors of BullMQ with which a handler moves its job elsewhere. They do not mean that the job failed.

const controlFlowNames: ReadonlySet<string> = new Set([
  'DelayedError',
  'RateLimitError',
  'WaitingChildrenError',
  'WaitingError',
]);

/** The default messages of these errors. */
const controlFlowMessages: ReadonlySet<string> = new Set([
  'bullmq:movedToDelayed',
  'bullmq:movedToWait',
  'bullmq:movedToWaitingChildren',
  'bullmq:rateLimitExceeded',
]);

/** Works for every copy of BullMQ and for subclasses, also if a bundler has changed the names of the classes. */
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
 * Carries such an error through the engine. It is not an `Error`, so no class in `finalErrors` matches it.
 */
export class WrappedControlFlow {
  constructor(readonly error: Error) {}
}
