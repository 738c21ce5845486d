// The result of an operation of the protocol: the next record and the reply.
import type { StoredRecord } from './record.js';

export interface Transition<Reply> {
  /** The record after the operation. If nothing changed, it is the same object as before. */
  readonly record: StoredRecord | null;
  readonly reply: Reply;
}
