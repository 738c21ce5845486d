// onceguard find: from what a person knows to the record.
import { deriveKeyFromRecordName, type IdempotencyStore, lookup, type RecordView, toRecordJson } from '@onceguard/core';
import { parseCommand } from '../arguments.js';
import { exitStatus } from '../exit-status.js';
import { formatRecord } from '../format-record.js';
import { storeOptions, storeOptionsUsage, withStore } from '../open-store.js';
import { parseParts, parseRecordName, requireRecord } from '../record-argument.js';
import { printError, printLine } from '../terminal.js';
import { UsageError } from '../usage-error.js';

const usage = `Usage: onceguard find <url> --scope <scope> --key <key> [--operation <operation> | --method <method> --path <path>]
       onceguard find <url> <name>

Prints a record in full: its state, its timeline, what repeats get, and the keys to search for at the provider.

  onceguard find redis://127.0.0.1:6379 --scope alice --key order-17 --method POST --path /payments
  onceguard find redis://127.0.0.1:6379 --scope alice --key order-17 --operation create-payment
  onceguard find redis://127.0.0.1:6379 q3ZkX0…

  --scope <text>       whose key it is, as the application gives it; 'public' is the scope that all callers share
  --key <text>         the idempotency key
  --operation <text>   for work with the option operation
  --method, --path     for a request to a route without it; the path without the query
  --derive <name>      also print the key that deriveKey(<name>) gave to the provider; may be repeated
  --json               print the record as JSON
${storeOptionsUsage}

A function without the option operation is found by --scope and --key alone.
Exit status: 0 found, 1 no such record, 2 not carried out.`;

const options = {
  ...storeOptions,
  scope: { type: 'string' },
  key: { type: 'string' },
  operation: { type: 'string' },
  method: { type: 'string' },
  path: { type: 'string' },
  derive: { type: 'string', multiple: true },
  json: { type: 'boolean', default: false },
} as const;

export async function runFind(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, options, usage);
  if (values.help) {
    printLine(usage);
    return exitStatus.fine;
  }
  const [url, name, ...others] = positionals;
  if (others.length > 0) throw new UsageError('find takes one URL and at most one name.');
  const find = findBy(name, values);
  const view = await withStore(url, values, find);
  if (view === null) {
    printError(
      'No record: there was no such work, its record has expired, or the words are not those of the application.',
    );
    return exitStatus.found;
  }
  const { derive: derived = [] } = values;
  printLine(values.json ? formatJson(view, derived) : formatRecord(view, derived));
  return exitStatus.fine;
}

type Find = (store: IdempotencyStore) => Promise<RecordView | null>;

function findBy(name: string | undefined, values: Parameters<typeof parseParts>[0]): Find {
  if (name === undefined) {
    const parts = parseParts(values);
    return (store) => lookup(store, parts);
  }
  const recordName = parseRecordName(name);
  return (store) => requireRecord(store, recordName);
}

function formatJson(view: RecordView, derived: readonly string[]): string {
  const keys = derived.map((name) => [name, deriveKeyFromRecordName(view.recordName, name)] as const);
  return JSON.stringify({ ...toRecordJson(view), derivedKeys: Object.fromEntries(keys) }, null, 2);
}
