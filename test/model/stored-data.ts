// What no verb does to a record of a store: losing it, and getting an older copy back.
import type { StoredRecord } from '../../packages/core/src/protocol/record.js';
import type { Random } from './seeded-random.js';

export interface StoredData {
  /** How long after its end a record is still there, in milliseconds. */
  readonly recordGraceMs: number;
  /** Loses all of a record. */
  lose(key: string, random: Random): Promise<void>;
  /** Loses a part of it that the store can lose by itself, and resolves with what is left. Left out: there is no such part. */
  losePart?(key: string, model: StoredRecord): Promise<StoredRecord>;
  /** A copy of all that the store has of the key; null for nothing. */
  save(key: string): Promise<unknown>;
  /**
   * What is wrong about the entry of a record that may come into doubt in the store's own index; null for nothing. Left out: the index cannot
   * differ from the records.
   */
  findIndexFault?(key: string, record: StoredRecord): Promise<object | null>;
  /** Puts a copy in place of what is there. `model` is the record of the copy. */
  restore(key: string, copy: unknown, model: StoredRecord): Promise<void>;
}
