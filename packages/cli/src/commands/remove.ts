// onceguard remove: frees a key on purpose.
import {
  type IdempotencyStore,
  lookup,
  type RecordView,
  removeRecord,
  StoreError,
  toRecordJson,
} from '@onceguard/core';
import { parseCommand, requireText } from '../arguments.js';
import { confirm } from '../confirm.js';
import { exitStatus } from '../exit-status.js';
import { formatRecord } from '../format-record.js';
import { storeOptions, storeOptionsUsage, withStore } from '../open-store.js';
import { parseRecordName } from '../record-argument.js';
import { oneLine, printError, printLine } from '../terminal.js';
import { UsageError } from '../usage-error.js';

const usage = `Usage: onceguard remove <url> <name> --by <who> --reason <why> [options]

Removes a record: the next request with its key runs the work, also where it was done. For damaged records, and for work that
has to run again. Where an outcome is unknown, onceguard resolve keeps what was decided.

  onceguard remove redis://127.0.0.1:6379 q3ZkX0… --by ada --reason "damaged by a restore; ticket 481"

  --by <who>           who removes it
  --reason <why>       why
  --yes                do not ask
  --json               print { before, removed } as JSON
${storeOptionsUsage}

The store keeps neither the record nor who removed it and why: keep what this command prints.
Exit status: 0 removed, 1 you said no, 2 not carried out.`;

const options = {
  ...storeOptions,
  by: { type: 'string' },
  reason: { type: 'string' },
  yes: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

interface Removal {
  readonly recordName: string;
  readonly by: string;
  readonly reason: string;
  readonly yes: boolean;
  readonly json: boolean;
}

export async function runRemove(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, options, usage);
  if (values.help) {
    printLine(usage);
    return exitStatus.fine;
  }
  const [url, name, ...others] = positionals;
  if (others.length > 0) throw new UsageError('remove takes one URL and one name.');
  const recordName = parseRecordName(name);
  const by = requireText('--by', values.by, 'YOU');
  const reason = requireText('--reason', values.reason, '"why"');
  const removal = { recordName, by, reason, yes: values.yes, json: values.json };
  return await withStore(url, values, (store) => remove(store, removal));
}

async function remove(store: IdempotencyStore, removal: Removal): Promise<number> {
  const { recordName, by, reason, yes, json } = removal;
  const before = await readBefore(store, recordName);
  if (before === null || (before !== 'damaged' && before.state === 'removed'))
    throw new UsageError(
      'The store has no record of this name. Is it of another store or --prefix, or has it expired?',
    );
  if (before !== 'damaged' && before.state === 'in_progress') throw new UsageError(atWork);
  if (!json)
    printLine(
      before === 'damaged' ? `${recordName}\nThe record is damaged and cannot be shown.` : formatRecord(before),
    );
  if (!(await confirm('\nRemove it? The next request with its key runs the work.', yes))) {
    printError('Nothing was changed.');
    return exitStatus.found;
  }
  const { kind, now } = await removeRecord(store, recordName, { by, reason });
  if (kind === 'in_progress') throw new UsageError(atWork);
  if (kind === 'gone') throw new UsageError('The record went meanwhile. Nothing was changed.');
  const removed = { recordName, by, reason, at: new Date(now).toISOString() };
  const shown = before === 'damaged' ? null : toRecordJson(before);
  printLine(
    json
      ? JSON.stringify({ before: shown, removed }, null, 2)
      : `\nRemoved ${recordName} at ${removed.at} by ${oneLine(by)}: ${oneLine(reason)}`,
  );
  return exitStatus.fine;
}

const atWork = 'An attempt is at work on it now: wait until it has ended. Nothing was changed.';

async function readBefore(store: IdempotencyStore, recordName: string): Promise<RecordView | 'damaged' | null> {
  try {
    return await lookup(store, recordName);
  } catch (error) {
    if (error instanceof StoreError && error.class === 'damaged') return 'damaged';
    throw error;
  }
}
