// Reads the records of a page of keys. One that cannot be read is counted.
import { StoreError } from '../../errors.js';
import type { ReadReply, ScanPage } from '../../store/port.js';
import type { KeyPage } from './connection/scan-keys.js';

export async function readPage(
  { now, keys, invalidKeys, cursor }: KeyPage,
  read: (key: string) => Promise<ReadReply>,
): Promise<ScanPage> {
  const replies = await Promise.all(keys.map(async (key) => ({ key, reply: await tryRead(read, key) })));
  const records = replies.flatMap(({ key, reply }) => (reply?.record ? [{ key, record: reply.record }] : []));
  const unreadable = replies.filter(({ reply }) => reply === null).length;
  return { now, records, skipped: invalidKeys + unreadable, cursor };
}

/** Null: the key does not hold a record that this version can read. */
async function tryRead(read: (key: string) => Promise<ReadReply>, key: string): Promise<ReadReply | null> {
  try {
    return await read(key);
  } catch (error) {
    if (error instanceof StoreError && error.unreadable) return null;
    throw error;
  }
}
