// The context that an operation receives.
import type { EnqueueOptions } from './enqueue-options.js';
import type { OperationContext } from './operation-context.js';
import type { Steps } from './steps.js';

/** The attempt behind a context: one under a lease, or one that runs without the store. */
export interface ContextSource {
  readonly key: string;
  readonly recordName: string;
  readonly attempt: number;
  readonly takeover: boolean;
  readonly fencingToken: number;
  readonly bypassed: boolean;
  readonly signal: AbortSignal;
  readonly steps: Steps;
  deriveKey(part: string): string;
  markNothingHappened(): void;
  enqueue(topic: string, payload: string | Uint8Array, options?: EnqueueOptions): Promise<string>;
}

/**
 * Every attempt creates one. A class with one accessor for `signal` gives all contexts the same hidden class; an object literal with
 * a getter would not. The accessor is an own property, so that a copy of the context includes the signal.
 */
export class AttemptContext implements OperationContext {
  readonly key: string;
  readonly recordName: string;
  readonly attempt: number;
  readonly takeover: boolean;
  readonly fencingToken: number;
  readonly bypassed: boolean;
  declare readonly signal: AbortSignal;
  readonly deriveKey: OperationContext['deriveKey'];
  readonly markNothingHappened: OperationContext['markNothingHappened'];
  readonly step: OperationContext['step'];
  readonly enqueue: OperationContext['enqueue'];
  readonly #source: ContextSource;

  static readonly #signalDescriptor: PropertyDescriptor & ThisType<AttemptContext> = {
    enumerable: true,
    get() {
      return this.#source.signal;
    },
  };

  constructor(source: ContextSource) {
    this.#source = source;
    this.key = source.key;
    this.recordName = source.recordName;
    this.attempt = source.attempt;
    this.takeover = source.takeover;
    this.fencingToken = source.fencingToken;
    this.bypassed = source.bypassed;
    this.deriveKey = (part) => source.deriveKey(part);
    this.markNothingHappened = () => source.markNothingHappened();
    this.step = (part, fn, options) => source.steps.run(part, fn, options);
    this.enqueue = (topic, payload, options) => source.enqueue(topic, payload, options);
    Object.defineProperty(this, 'signal', AttemptContext.#signalDescriptor);
  }
}
