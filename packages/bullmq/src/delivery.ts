// One delivery of a job: what came with it, and what the handler's own code did.
import type { OperationContext } from '@onceguard/core';
import { isControlFlow, Rerouted } from './control-flow.js';

export class Delivery<Job> {
  /** Whether the handler, or its `recover` function, was called. */
  begun = false;
  #thrown: unknown;

  constructor(
    readonly job: Job,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /**
   * Runs the handler, and remembers what it throws. Where the handler sent the job elsewhere, it has not failed: it is to run again,
   * so its key is freed, and `Rerouted` carries BullMQ's error.
   */
  async handle<T>(
    code: (job: Job, context: OperationContext) => T | Promise<T>,
    context: OperationContext,
  ): Promise<T> {
    try {
      return await this.run(() => code(this.job, this.#withJobSignal(context)));
    } catch (error) {
      if (error instanceof Rerouted) context.markNothingHappened();
      throw error;
    }
  }

  /** Runs the handler's own code, and remembers what it throws. */
  async run<T>(code: () => T | Promise<T>): Promise<T> {
    this.begun = true;
    try {
      return await code();
    } catch (error) {
      this.#thrown = error;
      throw isControlFlow(error) ? new Rerouted(error) : error;
    }
  }

  /** Whether the handler threw this: an error of an operation inside of it says nothing about the job's own record. */
  threw(error: unknown): boolean {
    return this.begun && this.#thrown === error;
  }

  /** The context, with signals that abort when BullMQ cancels the job, too. */
  #withJobSignal(context: OperationContext): OperationContext {
    if (this.signal === undefined) return context;
    const signal = AbortSignal.any([context.signal, native(this.signal)]);
    const step: OperationContext['step'] = (name, fn, options) =>
      context.step(name, (part) => fn({ ...part, signal }), options);
    return { ...context, signal, step };
  }
}

/** The signal of some versions of BullMQ 5 is not Node's own, and `AbortSignal.any` never hears of it. */
function native(foreign: AbortSignal): AbortSignal {
  const aborter = new AbortController();
  const abort = () => aborter.abort(foreign.reason);
  if (foreign.aborted) abort();
  else foreign.addEventListener('abort', abort, { once: true });
  return aborter.signal;
}
