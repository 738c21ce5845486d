// onceguard resolve: a person's decision about work whose outcome nobody knows.
import {
  type DecisionView,
  type IdempotencyStore,
  type RecordView,
  type ResolveDoubtReply,
  resolveDoubt,
  toRecordJson,
} from '@onceguard/core';
import { parseCommand, requireText } from '../arguments.js';
import { confirm } from '../confirm.js';
import { exitStatus } from '../exit-status.js';
import { formatRecord } from '../format-record.js';
import { type GivenOutcome, readGivenOutcome } from '../given-outcome.js';
import { storeOptions, storeOptionsUsage, withStore } from '../open-store.js';
import { parseRecordName, requireRecord } from '../record-argument.js';
import { oneLine, printError, printLine } from '../terminal.js';
import { formatExact } from '../times.js';
import { UsageError } from '../usage-error.js';

const usage = `Usage: onceguard resolve <url> <name> --done | --not-done --by <who> --reason <why> [options]

Records a decision about work whose outcome nobody knows. Shows the record, asks, decides, and shows it again.
A decision cannot be taken back. Find out at the provider first what happened, and that the old process is gone.

  onceguard resolve redis://127.0.0.1:6379 q3ZkX0… --done --by ada --reason "charge ch_1 is in the dashboard" --response answer.json
  onceguard resolve redis://127.0.0.1:6379 q3ZkX0… --not-done --by ada --reason "no charge with this key"

  --done               it happened: nobody runs it again
  --not-done           it did not happen: the next caller runs it, and its steps in doubt
  --by <who>           who decides
  --reason <why>       how you know
  --response <file>    with --done, for a request: what repeats get, as JSON: { "status": 201, "headers": {}, "body": … }
  --result <file>      with --done, for a function: its result, as JSON
  --yes                do not ask
  --json               print { before, after } as JSON
${storeOptionsUsage}

Without --response and --result, repeats get 410 expired: the work is done.
Exit status: 0 decided, 1 you said no, 2 not carried out.`;

const options = {
  ...storeOptions,
  done: { type: 'boolean', default: false },
  'not-done': { type: 'boolean', default: false },
  by: { type: 'string' },
  reason: { type: 'string' },
  response: { type: 'string' },
  result: { type: 'string' },
  yes: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

interface Decision {
  readonly recordName: string;
  readonly as: 'done' | 'not_done';
  readonly by: string;
  readonly reason: string;
  readonly given: GivenOutcome;
  readonly yes: boolean;
  readonly json: boolean;
}

export async function runResolve(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, options, usage);
  if (values.help) {
    printLine(usage);
    return exitStatus.fine;
  }
  const [url, name, ...others] = positionals;
  if (others.length > 0) throw new UsageError('resolve takes one URL and one name.');
  const { done, 'not-done': notDone, yes, json } = values;
  const recordName = parseRecordName(name);
  if (done === notDone) throw new UsageError('Give either --done or --not-done.');
  if (notDone && (values.response !== undefined || values.result !== undefined))
    throw new UsageError('Work that did not happen has no given: leave out --response and --result, or give --done.');
  const by = requireText('--by', values.by, 'YOU');
  const reason = requireText('--reason', values.reason, '"how you know"');
  const given = await readGivenOutcome(values);
  const decision: Decision = { recordName, as: done ? 'done' : 'not_done', by, reason, given, yes, json };
  return await withStore(url, values, (store) => decide(store, decision));
}

async function decide(store: IdempotencyStore, decision: Decision): Promise<number> {
  const { recordName, as, by, reason, given, json } = decision;
  const before = await requireRecord(store, recordName);
  assertInDoubt(before);
  given.assertFits(before);
  if (!json) printLine(formatRecord(before));
  const what = as === 'done' ? 'it happened' : 'it did not happen, and the next caller runs it';
  if (!(await confirm(`\nDecide that ${what}?`, decision.yes))) {
    printError('Nothing was changed.');
    return exitStatus.found;
  }
  const { fencingToken } = before;
  const reply = await resolveDoubt(store, recordName, { as, by, reason, fencingToken, ...given.options });
  if (reply.kind !== 'ok') throw new UsageError(lateSentence(reply));
  const after = await requireRecord(store, recordName);
  printLine(
    json
      ? JSON.stringify({ before: toRecordJson(before), after: toRecordJson(after) }, null, 2)
      : `\nDecided.\n\n${formatRecord(after)}`,
  );
  return exitStatus.fine;
}

/** Abandoned work that its next caller runs again may be decided too. */
function assertInDoubt(view: RecordView): void {
  const { state } = view;
  if (state === 'outcome_unknown' || state === 'abandoned') return;
  const last = view.decisions.at(-1);
  const decided =
    last === undefined ? '' : ` ${oneLine(last.by)} decided at ${formatExact(last.at)} ${whatWasDecided(last)}.`;
  const words = state.replace('_', ' ');
  throw new UsageError(
    `The record is not in doubt: it is ${words}. ${toRecordJson(view).meaning}${decided} Nothing was changed.`,
  );
}

function lateSentence(reply: ResolveDoubtReply): string {
  if (reply.kind !== 'conflict') return 'The record is gone. Nothing was changed.';
  const { decision, standing } = reply;
  if (decision === null)
    return `The record is not in doubt any more: ${standing.kind.replaceAll('_', ' ')}. Nothing was changed.`;
  const { by, at } = decision;
  return `${oneLine(by)} was first, at ${formatExact(new Date(at))}, and decided ${whatWasDecided(decision)}. Your decision was not recorded.`;
}

function whatWasDecided({ as, reason }: Pick<DecisionView, 'as' | 'reason'>): string {
  return `that ${as === 'done' ? 'it happened' : 'it did not happen'}: ${oneLine(reason)}`;
}
