// One delivery of a job: its abort signal, and what the handler's own code did.
import type { OperationContext } from '@onceguard/core';
import { isControlFlowError, WrappedControlFlow } from './control-flow.js';

export class Delivery<Job> {
  /** Whether the handler was called, or the function in `onAbandoned`. */
  handlerStarted = false;
  #thrownError: unknown;

  constructor(
    readonly job: Job,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /**
   * Runs the handler and remembers what it throws. A handler that moved its job elsewhere has not failed, and the job will
   * run again: its key is freed, and a `WrappedControlFlow` carries BullMQ's error.
   */
  async runHandler<T>(
    handler: (job: Job, context: OperationContext) => T | Promise<T>,
    context: OperationContext,
  ): Promise<T> {
    try {
      return await this.runUserCode(() => handler(this.job, this.#withJobSignal(context)));
    } catch (error) {
      if (error instanceof WrappedControlFlow) context.markNothingHappened();
      throw error;
    }
  }

  /** Runs code of the user and remembers what it throws. */
  async runUserCode<T>(code: () => T | Promise<T>): Promise<T> {
    this.handlerStarted = true;
    try {
      return await code();
    } catch (error) {
      this.#thrownError = error;
      throw isControlFlowError(error) ? new WrappedControlFlow(error) : error;
    }
  }

  /**
   * Whether the user's code threw this error. It may come from another operation within, so it says nothing about the job's
   * own record.
   */
  wasThrownByHandler(error: unknown): boolean {
    return this.handlerStarted && this.#thrownError === error;
  }

  /** Returns the context with signals that also abort when BullMQ cancels the job. */
  #withJobSignal(context: OperationContext): OperationContext {
    if (this.signal === undefined) return context;
    const signal = AbortSignal.any([context.signal, toNativeSignal(this.signal)]);
    const step: OperationContext['step'] = (name, fn, options) =>
      context.step(name, (stepContext) => fn({ ...stepContext, signal }), options);
    return { ...context, signal, step };
  }
}

/** Some versions of BullMQ 5 use a signal that is not Node's own, and `AbortSignal.any` does not notice when it aborts. */
function toNativeSignal(foreign: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const abort = () => controller.abort(foreign.reason);
  if (foreign.aborted) abort();
  else foreign.addEventListener('abort', abort, { once: true });
  return controller.signal;
}
