// The options of `enqueue`.

/** How a message is put into the outbox. */
export interface EnqueueOptions {
  /**
   * Messages with the same key are published one after the other, in the order of their commits: for example the id of an account. To
   * keep that order, transactions with the same key wait for each other, from `enqueue` until their end. 1 to 255 characters. Default:
   * the order of the messages of this one record.
   */
  readonly orderingKey?: string | undefined;
}
