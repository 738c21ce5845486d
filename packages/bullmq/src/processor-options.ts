// The options of a processor, and their translation into the options of `makeIdempotent`.
import type { FinalErrors, IdempotentOptions } from '@onceguard/core';
import { WrappedControlFlow } from './control-flow.js';
import type { Delivery } from './delivery.js';
import { defaultKey, defaultPayload, defaultScope, hasGeneratedId, type QueueJob } from './queue-job.js';

/** The options of `makeIdempotent`. Functions among them get the job. */
export interface ProcessorOptions<Job, Result = never> extends Omit<IdempotentOptions<Job, Result>, 'scope' | 'key'> {
  /** The namespace of the keys. Default: the prefix and the name of the queue, and the name of the job. */
  scope?: IdempotentOptions<Job, Result>['scope'];
  /**
   * Identifies the work that the job asks for, such as an event id or an order number. Default: the id of the job. With the
   * default, only redeliveries of the same job are recognised, and not a second job for the same event, unless both have the
   * same `jobId`.
   */
  key?: IdempotentOptions<Job, Result>['key'];
}

type Label = string | undefined | Promise<string | undefined>;

/** Adapts the options to functions of a delivery, which is the input of the engine. */
export function toDeliveryOptions<Job extends QueueJob, Result>(
  options: ProcessorOptions<Job, Result>,
): IdempotentOptions<Delivery<Job>, Result> {
  const { scope = defaultScope, key = defaultKey, label, fingerprint, onAbandoned, finalErrors, ...rest } = options;
  // A generated id belongs to one job only, and the handler may change the job's data. So the payload is not compared.
  const payload = (job: Job) => (key === defaultKey && hasGeneratedId(job) ? null : defaultPayload(job));
  return {
    ...rest,
    scope: adaptToDelivery(scope),
    key: adaptToDelivery<Job, string | Promise<string>>(key),
    fingerprint: adaptToDelivery(fingerprint ?? payload),
    ...(label === undefined ? {} : { label: adaptToDelivery<Job, Label>(label) }),
    ...(finalErrors === undefined ? {} : { finalErrors: ignoreControlFlow(finalErrors) }),
    ...(onAbandoned === undefined ? {} : { onAbandoned: adaptRecovery(onAbandoned) }),
  };
}

/** Turns a function of the job into a function of the delivery. `makeIdempotent` validates any other value. */
function adaptToDelivery<Job, T, Other extends string | false = never>(
  option: Other | ((job: Job) => T),
): Other | ((delivery: Delivery<Job>) => T) {
  return typeof option === 'function' ? ({ job }) => option(job) : option;
}

/** Keeps control-flow errors away from a function that selects final errors. */
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
