// One delivery of a job: what came with it, and what the handler's own code did.
import type { OperationContext } from '@onceguard/core';
import { isControlFlowError, WrappedControlFlow } from './control-flow.js';

export class Delivery<Job> {
  /** Whether the handler, or its `recover` function, was called. */
  handlerStarted = false;
  #thrownError: unknown;

  constructor(
    readonly job: Job,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /**
   * Runs the handler, and remembers what it throws. Where the handler sent the job elsewhere, it has not failed: it is to run again,
   * so its key is freed, and `Rerouted` carries BullMQ's error.
   */
  async runHandler<T>(
    code: (job: Job, context: OperationContext) => T | Promise<T>,
    context: OperationContext,
  ): Promise<T> {
    try {
      return await this.runUserCode(() => code(this.job, this.#withJobSignal(context)));
    } catch (error) {
      if (error instanceof WrappedControlFlow) context.markNothingHappened();
      throw error;
    }
  }

  /** Runs the handler's own code, and remembers what it throws. */
  async runUserCode<T>(code: () => T | Promise<T>): Promise<T> {
    this.handlerStarted = true;
    try {
      return await code();
    } catch (error) {
      this.#thrownError = error;
      throw isControlFlowError(error) ? new WrappedControlFlow(error) : error;
    }
  }

  /** Whether the handler threw this: an error of an operation inside of it says nothing about the job's own record. */
  wasThrownByHandler(error: unknown): boolean {
    return this.handlerStarted && this.#thrownError === error;
  }

  /** The context, with signals that abort when BullMQ cancels the job, too. */
  #withJobSignal(context: OperationContext): OperationContext {
    if (this.signal === undefined) return context;
    const signal = AbortSignal.any([context.signal, toNativeSignal(this.signal)]);
    const step: OperationContext['step'] = (name, fn, options) =>
      context.step(name, (part) => fn({ ...part, signal }), options);
    return { ...context, signal, step };
  }
}

/** The signal of some versions of BullMQ 5 is not Node's own, and `AbortSignal.any` never hears of it. */
function toNativeSignal(foreign: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const abort = () => controller.abort(foreign.reason);
  if (foreign.aborted) abort();
  else foreign.addEventListener('abort', abort, { once: true });
  return controller.signal;
}
