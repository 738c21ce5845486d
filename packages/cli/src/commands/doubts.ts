// onceguard doubts: the inbox of work whose outcome nobody knows.
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { type Doubt, type IdempotencyStore, type ListDoubtsOptions, listDoubts } from '@onceguard/core';
import { parseCommand, parseDuration } from '../arguments.js';
import { exitStatus } from '../exit-status.js';
import { formatDoubt } from '../format-doubt.js';
import { storeOptions, storeOptionsUsage, withStore } from '../open-store.js';
import { printError, printLine } from '../terminal.js';
import { UsageError } from '../usage-error.js';

const usage = `Usage: onceguard doubts <url> [options]

Lists work whose outcome nobody knows, oldest first, with what to search for at the provider.

  onceguard doubts redis://127.0.0.1:6379 --older-than 10m --operation "POST /payments"

  --older-than <time>  only what began at least so long ago: 30s, 10m, 2h, 7d
  --operation <text>   only of this operation
  --label <text>       only with this label
  --watch              keep looking, and print what comes; Ctrl-C ends it
  --json               print JSON; with --watch a line for each doubt
${storeOptionsUsage}

Exit status: 0 nothing is in doubt, 1 something is, 2 not carried out.`;

const options = {
  ...storeOptions,
  'older-than': { type: 'string' },
  operation: { type: 'string' },
  label: { type: 'string' },
  watch: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

const watchEveryMs = 2_000;

interface Listing {
  readonly filter: ListDoubtsOptions;
  readonly json: boolean;
}

export async function runDoubts(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, options, usage);
  if (values.help) {
    printLine(usage);
    return exitStatus.fine;
  }
  if (positionals.length > 1) throw new UsageError('doubts takes one URL.');
  const { operation, label, json, watch, 'older-than': olderThan } = values;
  const age = olderThan === undefined ? {} : { olderThanMs: parseDuration('--older-than', olderThan) };
  const filter = { ...(operation !== undefined && { operation }), ...(label !== undefined && { label }), ...age };
  const listing = { filter, json };
  return await withStore(positionals[0], values, (store) =>
    watch ? watchDoubts(store, listing) : printDoubts(store, listing),
  );
}

async function printDoubts(store: IdempotencyStore, listing: Listing): Promise<number> {
  const { doubts, skipped } = await listAll(store, listing);
  if (listing.json) {
    printLine(JSON.stringify({ doubts, skipped }, null, 2));
  } else {
    printLine([headline(doubts.length), ...doubts.map((doubt) => formatDoubt(doubt, Date.now()))].join('\n\n'));
    if (skipped > 0) printError(`${skipped} records cannot be read, so nobody knows whether they are in doubt.`);
  }
  return doubts.length === 0 && skipped === 0 ? exitStatus.fine : exitStatus.found;
}

function headline(count: number): string {
  if (count === 0) return 'Nothing is in doubt.';
  return count === 1 ? 'One outcome is in doubt.' : `${count} outcomes are in doubt.`;
}

/** Prints each doubt once. */
async function watchDoubts(store: IdempotencyStore, listing: Listing): Promise<number> {
  const stopped = new AbortController();
  void once(process, 'SIGINT').then(() => stopped.abort());
  const printed = new Set<string>();
  while (!stopped.signal.aborted) {
    const { doubts } = await listAll(store, listing);
    for (const doubt of doubts) {
      const id = `${doubt.recordName} ${doubt.fencingToken}`;
      if (printed.has(id)) continue;
      printed.add(id);
      printLine(listing.json ? JSON.stringify(doubt) : `${formatDoubt(doubt, Date.now())}\n`);
    }
    await pause(watchEveryMs, undefined, { signal: stopped.signal }).catch(() => {});
  }
  return printed.size === 0 ? exitStatus.fine : exitStatus.found;
}

async function listAll(store: IdempotencyStore, { filter }: Listing): Promise<{ doubts: Doubt[]; skipped: number }> {
  const doubts: Doubt[] = [];
  let skipped = 0;
  let cursor: string | null = null;
  do {
    const page = await listDoubts(store, { ...filter, cursor, limit: 1_000 });
    doubts.push(...page.doubts);
    skipped += page.skipped;
    cursor = page.cursor;
  } while (cursor !== null);
  return { doubts: doubts.sort((a, b) => a.acquiredAt - b.acquiredAt), skipped };
}
