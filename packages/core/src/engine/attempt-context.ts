// What an operation is told about its attempt.
import type { Attempt } from './attempt.js';
import type { OperationContext } from './operation-context.js';

/**
 * A class whose `signal` is one accessor for all of them, because every attempt makes one: a literal with a getter of its own
 * gives each object a shape of its own. It stays an own property, so that a copy of the context has it.
 */
export class AttemptContext implements OperationContext {
  readonly key: string;
  readonly attempt: number;
  readonly takeover: boolean;
  readonly fencingToken: number;
  readonly bypassed = false;
  declare readonly signal: AbortSignal;
  readonly deriveKey: OperationContext['deriveKey'];
  readonly markNothingHappened: OperationContext['markNothingHappened'];
  readonly step: OperationContext['step'];
  readonly #attempt: Attempt;

  static readonly #signalDescriptor: PropertyDescriptor & ThisType<AttemptContext> = {
    enumerable: true,
    get() {
      return this.#attempt.signal;
    },
  };

  constructor(attempt: Attempt) {
    const { lease, request } = attempt;
    this.#attempt = attempt;
    this.key = request.key;
    this.attempt = lease.attempt;
    this.takeover = lease.takeover;
    this.fencingToken = lease.fencingToken;
    this.deriveKey = (part) => attempt.deriveKey(part);
    this.markNothingHappened = () => {
      attempt.nothingHappened = true;
    };
    this.step = (part, fn, options) => attempt.steps.run(part, fn, options);
    Object.defineProperty(this, 'signal', AttemptContext.#signalDescriptor);
  }
}
