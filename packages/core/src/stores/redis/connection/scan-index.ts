// Reads a page of the index of doubts: the keys of records that may be in doubt, tag by tag.
import { StoreError } from '../../../errors.js';
import { isKey } from '../../../protocol/argument-checks.js';
import type { ScanRequest } from '../../../store/port.js';
import { indexScript } from '../wire/scripts/index-script.js';
import { indexKey, recordTags, tagLength } from '../wire/scripts/record-layout.js';
import type { CommandExecutor } from './command-executor.js';
import { isCluster } from './redis-client.js';
import { type KeyPage, readServerClock } from './scan-keys.js';

/** So many indexes are read at once. Most are empty, and a page ends with the chunk that fills it. */
const chunkSize = { oneServer: 1_040, cluster: 260 };

interface Chunk {
  /** The clock of the server that was read, or of the first server of a cluster. */
  readonly now: number;
  readonly members: readonly string[];
  /** How many indexes could not be read, because something else is under their names. */
  readonly foreign: number;
}

/**
 * Returns keys in their order, and as cursor the last of them. Entries of leases that were alive are left out. In a cluster every
 * command names one index, so the client sends it to the server of that index, wherever its slot has moved.
 */
export async function scanIndex(executor: CommandExecutor, prefix: string, request: ScanRequest): Promise<KeyPage> {
  const after = checkCursor(request.cursor);
  const tags = recordTags().filter((tag) => tag >= after.slice(0, tagLength));
  const read = chunkReader(executor, prefix);
  const keys: string[] = [];
  let [now, invalidKeys] = [0, 0];
  for (let from = 0; from < tags.length; ) {
    const chunkTags = tags.slice(from, from + read.size);
    const chunk = await read.chunk(chunkTags);
    // The first clock: what is in doubt by a later one is found by the next list.
    if (from === 0) now = chunk.now;
    from += chunkTags.length;
    invalidKeys += chunk.foreign;
    keys.push(...chunk.members.filter((key) => isKey(key) && key > after).sort());
    if (keys.length < request.limit) continue;
    const page = keys.slice(0, request.limit);
    const isLast = page.length === keys.length && from === tags.length;
    return { now, keys: page, invalidKeys, cursor: isLast ? null : (page.at(-1) ?? null) };
  }
  return { now, keys, invalidKeys, cursor: null };
}

function chunkReader(executor: CommandExecutor, prefix: string) {
  let isSharded = isCluster(executor.client);
  return {
    get size() {
      return isSharded ? chunkSize.cluster : chunkSize.oneServer;
    },
    async chunk(tags: readonly string[]): Promise<Chunk> {
      const indexes = tags.map((tag) => indexKey(prefix, tag));
      try {
        if (!isSharded) return await readTogether(executor, indexes);
      } catch (error) {
        // A service may have one address in front of its cluster.
        if (!(error instanceof StoreError && error.message.includes('CROSSSLOT'))) throw error;
        isSharded = true;
      }
      return await readOneByOne(executor, indexes);
    },
  };
}

async function readTogether(executor: CommandExecutor, indexes: readonly string[]): Promise<Chunk> {
  const reply = await executor.runMultiKeyScript('scan', indexScript, indexes);
  const [now, foreign, members] = [reply.readNumber(), reply.readNumber(), reply.readList()];
  return { now, foreign, members: [...members.readTexts()] };
}

async function readOneByOne(executor: CommandExecutor, indexes: readonly string[]): Promise<Chunk> {
  const now = await readServerClock(executor, executor.masters()[0]);
  const read = await Promise.all(indexes.map((index) => readIndex(executor, index, now)));
  return {
    now,
    foreign: read.filter((members) => members === null).length,
    members: read.flatMap((members) => members ?? []),
  };
}

async function readIndex(executor: CommandExecutor, index: string, now: number): Promise<string[] | null> {
  try {
    return [...(await executor.runKeyCommand('zrangebyscore', [index, 0, now])).readTexts()];
  } catch (error) {
    if (error instanceof StoreError && error.unreadable) return null;
    throw error;
  }
}

function checkCursor(cursor: string | null): string {
  if (cursor === null) return '';
  if (isKey(cursor)) return cursor;
  throw new StoreError('bug', `cursor is ${JSON.stringify(cursor.slice(0, 64))}; it must be one that scan returned.`);
}
