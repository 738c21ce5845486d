// What is needed of a BullMQ job, and what a job says of itself: whose it is, its key, its payload.

/** A job of BullMQ 5 or 6, as far as it is needed here. */
export interface QueueJob {
  readonly id?: string | undefined;
  readonly name: string;
  readonly data: unknown;
  /** When it was added. */
  readonly timestamp: number;
  readonly prefix: string;
  readonly queueName: string;
  moveToDelayed(timestamp: number, token?: string): Promise<void>;
}

/** Its queue, and the name by which a handler knows it. */
export function defaultScope({ prefix, queueName, name }: QueueJob): string {
  return JSON.stringify([prefix, queueName, name]);
}

/**
 * The id that its producer chose; or its number, and when it was added, since numbers begin anew in a queue that was
 * obliterated. BullMQ takes no id with one colon from a producer.
 */
export function defaultKey(job: QueueJob): string {
  const { id = '', timestamp } = job;
  return hasGeneratedId(job) ? `${id}:${timestamp}` : id;
}

/** What its producer asked for. */
export function defaultPayload({ name, data }: QueueJob): unknown {
  return [name, data];
}

/** By the rule of BullMQ, which refuses such ids to producers. */
export function hasGeneratedId({ id = '' }: QueueJob): boolean {
  return String(Number.parseInt(id, 10)) === id;
}
