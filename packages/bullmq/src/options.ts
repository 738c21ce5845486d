// The options of a processor, and the same for the engine.
import type { FinalErrors, IdempotentOptions } from '@onceguard/core';
import { Rerouted } from './control-flow.js';
import type { Delivery } from './delivery.js';
import { isNumbered, keyOf, payloadOf, type QueueJob, scopeOf } from './job.js';

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
export function forDeliveries<Job extends QueueJob, Result>(
  options: ProcessorOptions<Job, Result>,
): IdempotentOptions<Delivery<Job>, Result> {
  const { scope = scopeOf, key = keyOf, fingerprint, onAbandoned, finalErrors, ...rest } = options;
  // The number of a job names no other one, and its handler may update its data.
  const payload = (job: Job) => (key === keyOf && isNumbered(job) ? null : payloadOf(job));
  return {
    ...rest,
    scope: ofJob(scope),
    key: ofJob<Job, string | Promise<string>>(key),
    fingerprint: ofJob(fingerprint ?? payload),
    ...(finalErrors === undefined ? {} : { finalErrors: withoutRerouted(finalErrors) }),
    ...(onAbandoned === undefined ? {} : { onAbandoned: recovering(onAbandoned) }),
  };
}

/** A function of the job as one of its delivery. Whatever else it is, `makeIdempotent` looks at. */
function ofJob<Job, T, Other extends string | false = never>(
  option: Other | ((job: Job) => T),
): Other | ((delivery: Delivery<Job>) => T) {
  return typeof option === 'function' ? ({ job }) => option(job) : option;
}

/** A function that picks final errors never gets to see what is none. */
function withoutRerouted(finalErrors: FinalErrors): FinalErrors {
  if (typeof finalErrors !== 'function') return finalErrors;
  return (error) => !(error instanceof Rerouted) && finalErrors(error);
}

function recovering<Job, Result>(
  onAbandoned: NonNullable<IdempotentOptions<Job, Result>['onAbandoned']>,
): NonNullable<IdempotentOptions<Delivery<Job>, Result>['onAbandoned']> {
  if (typeof onAbandoned !== 'function') return onAbandoned;
  return (context, delivery) => delivery.run(() => onAbandoned(context, delivery.job));
}
