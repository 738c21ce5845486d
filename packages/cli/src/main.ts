// The command `onceguard`: chooses the command, and turns every failure into one sentence and an exit status.
import { IdempotencyError, StoreError } from '@onceguard/core';
import { runDemo } from './commands/demo.js';
import { runDemoServer } from './commands/demo-server.js';
import { runDoctor } from './commands/doctor.js';
import { runDoubts } from './commands/doubts.js';
import { runFind } from './commands/find.js';
import { runInspect } from './commands/inspect.js';
import { runRemove } from './commands/remove.js';
import { runResolve } from './commands/resolve.js';
import { exitStatus } from './exit-status.js';
import { printError, printLine } from './terminal.js';
import { UsageError } from './usage-error.js';

/** What follows the name of the command. Resolves with the exit status. */
export type Command = (args: readonly string[]) => Promise<number>;

const commands: Readonly<Record<string, Command>> = {
  demo: runDemo,
  doctor: runDoctor,
  doubts: runDoubts,
  find: runFind,
  inspect: runInspect,
  remove: runRemove,
  resolve: runResolve,
};

const usage = `Usage: onceguard <command> …

  onceguard find redis://… --scope alice --key order-17 --method POST --path /payments
                         the record of a request, in full; or by its name: find redis://… NAME
  onceguard doubts redis://…
                         what is in doubt, and what to search for at the provider
  onceguard resolve redis://… NAME --done --by ada --reason "charge ch_1 is in the dashboard"
                         a decision about work whose outcome nobody knows
  onceguard remove redis://… NAME --by ada --reason "damaged by a restore"
                         frees a key: its next request runs
  onceguard inspect redis://…
                         all that as a page, on this machine only
  onceguard doctor redis://…
                         whether a Redis, a PostgreSQL or a file of SQLite is fit to keep records
  onceguard demo         a payments API, and what goes wrong with it; needs nothing

  The URL is redis://…, rediss://…, postgres://…, or sqlite: with the path of a file.
  onceguard <command> --help prints the options of a command.

Exit status: 0 fine; 1 something was found that needs attention, or nothing was found; 2 the command was not carried out.`;

/**
 * Runs the command line `onceguard`, prints to stdout and stderr, and resolves with the exit status. Never rejects.
 *
 * @param args - the words after `onceguard`
 *
 * @example
 * process.exitCode = await main(['doubts', 'redis://127.0.0.1:6379', '--json']);
 */
export async function main(args: readonly string[]): Promise<number> {
  const [name = '', ...rest] = args;
  if (name === '--help' || name === '-h' || name === 'help') {
    printLine(usage);
    return exitStatus.fine;
  }
  const command = name === 'demo-server' ? runDemoServer : Object.hasOwn(commands, name) ? commands[name] : undefined;
  try {
    if (command === undefined)
      throw new UsageError(`The commands are ${Object.keys(commands).join(', ')}.\n\n${usage}`);
    return await command(rest);
  } catch (error) {
    printError(sentenceOf(error));
    return exitStatus.notCarriedOut;
  }
}

/** Core's messages are made for operators and have no secrets. Everything else is a mistake of this program. */
function sentenceOf(error: unknown): string {
  if (error instanceof StoreError) return storeSentence(error);
  if (error instanceof UsageError || error instanceof IdempotencyError) return error.message;
  const text = error instanceof Error ? error.message : String(error);
  return `The command failed: ${text}`;
}

function storeSentence({ class: storeClass, message }: StoreError): string {
  if (storeClass !== 'unknown') return message;
  return `${message} It may have been carried out all the same: look with onceguard find before you repeat it.`;
}
