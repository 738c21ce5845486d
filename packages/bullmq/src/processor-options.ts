// The options of a processor, and the same for the engine.
import type { FinalErrors, IdempotentOptions } from '@onceguard/core';
import { WrappedControlFlow } from './control-flow.js';
import type { Delivery } from './delivery.js';
import { defaultKey, defaultPayload, defaultScope, hasGeneratedId, type QueueJob } from './queue-job.js';

/** The options of `makeIdempotent`; functions among them get the job. */
export interface ProcessorOptions<Job, Result = never> extends Omit<IdempotentOptions<Job, Result>, 'scope' | 'key'> {
  /** Whose keys these are. Default: the queue, with its prefix, and the name of the job. */
  scope?: IdempotentOptions<Job, Result>['scope'];
  /**
   * What names the work that the job asks for: the event's id, the order's number. Default: the job itself, so that only its own
   * redeliveries are recognised, and not a second job for the same event, unless the producer gave both the same `jobId`.
   */
  key?: IdempotentOptions<Job, Result>['key'];
}

/** The same options for the engine, whose input is a delivery. */
export function toDeliveryOptions<Job extends QueueJob, Result>(
  options: ProcessorOptions<Job, Result>,
): IdempotentOptions<Delivery<Job>, Result> {
  const { scope = defaultScope, key = defaultKey, fingerprint, onAbandoned, finalErrors, ...rest } = options;
  // The number of a job names no other one, and its handler may update its data.
  const payload = (job: Job) => (key === defaultKey && hasGeneratedId(job) ? null : defaultPayload(job));
  return {
    ...rest,
    scope: adaptToDelivery(scope),
    key: adaptToDelivery<Job, string | Promise<string>>(key),
    fingerprint: adaptToDelivery(fingerprint ?? payload),
    ...(finalErrors === undefined ? {} : { finalErrors: ignoreControlFlow(finalErrors) }),
    ...(onAbandoned === undefined ? {} : { onAbandoned: adaptRecovery(onAbandoned) }),
  };
}

/** A function of the job as one of its delivery. Whatever else it is, `makeIdempotent` looks at. */
function adaptToDelivery<Job, T, Other extends string | false = never>(
  option: Other | ((job: Job) => T),
): Other | ((delivery: Delivery<Job>) => T) {
  return typeof option === 'function' ? ({ job }) => option(job) : option;
}

/** A function that picks final errors never gets to see what is none. */
function ignoreControlFlow(finalErrors: FinalErrors): FinalErrors {
  if (typeof finalErrors !== 'function') return finalErrors;
  return (error) => !(error instanceof WrappedControlFlow) && finalErrors(error);
}

function adaptRecovery<Job, Result>(
  onAbandoned: NonNullable<IdempotentOptions<Job, Result>['onAbandoned']>,
): NonNullable<IdempotentOptions<Delivery<Job>, Result>['onAbandoned']> {
  if (typeof onAbandoned !== 'function') return onAbandoned;
  return (context, delivery) => delivery.runUserCode(() => onAbandoned(context, delivery.job));
}
