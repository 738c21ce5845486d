// @onceguard/client/file: keys in files, for programs on Node, Deno and Bun.
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { AtomicStorage, ChangeValue } from './key-storage.js';
import type { KeyStore } from './key-store.js';
import { type KeyStoreOptions, keyStore } from './stored-keys.js';

export interface FileKeysOptions extends KeyStoreOptions {
  /** The file of an intent is removed when it has not changed for this time, in milliseconds. Default: 30 days. */
  readonly maxAgeMs?: number;
}

/**
 * A key store in a directory on a local disk, which is created. Each intent has a file, and several processes may use the directory at the
 * same time. A value is on disk before the first send: it outlives the process and a loss of power.
 *
 * @example
 * import { idempotentFetch } from '@onceguard/client';
 * import { fileKeys } from '@onceguard/client/file';
 *
 * const pay = idempotentFetch({ keyStore: fileKeys('/var/lib/payouts/keys') });
 */
export function fileKeys(directory: string, options: FileKeysOptions = {}): KeyStore {
  const { maxAgeMs = 30 * 86_400_000, ...others } = options;
  let prepared: Promise<void> | undefined;
  const storage: AtomicStorage = {
    async update(name, change) {
      prepared ??= prepareDirectory(directory, maxAgeMs);
      await prepared;
      const file = join(directory, `${createHash('sha256').update(name).digest('hex')}.jsonl`);
      while (!(await appendSwap(file, change))) {}
    },
  };
  return keyStore(storage, others);
}

async function prepareDirectory(directory: string, maxAgeMs: number): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const now = Date.now();
  for (const name of (await readdir(directory)).filter((entry) => entry.endsWith('.jsonl'))) {
    const file = join(directory, name);
    const { mtimeMs } = await stat(file);
    if (now - mtimeMs > maxAgeMs) await rm(file, { force: true });
  }
}

/** A line of the file: it replaces the value `from`, if that is the value where the line stands. */
interface Swap {
  readonly id: string;
  readonly from?: string;
  readonly to?: string;
}

/**
 * A file is a log of swaps. An append to a local file is atomic, so all processes see the swaps in the same order and agree on which of them
 * took effect. Returns whether this one did.
 */
async function appendSwap(file: string, change: ChangeValue): Promise<boolean> {
  const from = foldSwaps(await readSwaps(file)).value;
  const to = change(from);
  if (to === from) return true;
  const swap: Swap = { id: randomUUID(), ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  // The line break before it ends a line that a crash has cut off.
  await appendDurably(file, `\n${JSON.stringify(swap)}\n`);
  return foldSwaps(await readSwaps(file)).effective.has(swap.id);
}

async function appendDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, 'a', 0o600);
  try {
    await handle.write(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function readSwaps(file: string): Promise<Swap[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return text.split('\n').flatMap(parseSwap);
}

/** A line that a crash has cut off took no effect: its process had sent nothing yet. */
function parseSwap(line: string): Swap[] {
  try {
    return line === '' ? [] : [JSON.parse(line)];
  } catch {
    return [];
  }
}

function foldSwaps(swaps: readonly Swap[]): { value: string | undefined; effective: ReadonlySet<string> } {
  const effective = new Set<string>();
  let value: string | undefined;
  for (const { id, from, to } of swaps) {
    if (from !== value) continue;
    value = to;
    effective.add(id);
  }
  return { value, effective };
}
