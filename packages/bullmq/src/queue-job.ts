// The interface that a processor needs of a BullMQ job, and the default scope, key and payload of a job.

/** The members of a job of BullMQ 5 or 6 that a processor needs. */
export interface QueueJob {
  readonly id?: string | undefined;
  readonly name: string;
  readonly data: unknown;
  /** When the job was added: milliseconds since 1970. */
  readonly timestamp: number;
  readonly prefix: string;
  readonly queueName: string;
  moveToDelayed(timestamp: number, token?: string): Promise<void>;
}

/** The prefix and the name of the queue, and the name of the job. */
export function defaultScope({ prefix, queueName, name }: QueueJob): string {
  return JSON.stringify([prefix, queueName, name]);
}

/**
 * The id that the producer chose, or the generated number and the time when the job was added: the numbers of an obliterated
 * queue start again. The two forms do not collide, because BullMQ accepts no id with a single colon from a producer.
 */
export function defaultKey(job: QueueJob): string {
  const { id = '', timestamp } = job;
  return hasGeneratedId(job) ? `${id}:${timestamp}` : id;
}

/** The work that the producer asked for. */
export function defaultPayload({ name, data }: QueueJob): unknown {
  return [name, data];
}

/** Whether BullMQ generated the id: a whole number. BullMQ refuses such ids from producers. */
export function hasGeneratedId({ id = '' }: QueueJob): boolean {
  return String(Number.parseInt(id, 10)) === id;
}
