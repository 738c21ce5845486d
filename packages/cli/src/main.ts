// The command `onceguard`: chooses the command, and turns every failure into one sentence and an exit status.
import type { StoreError } from '@onceguard/core';
import { exitStatus } from './exit-status.js';
import { printError, printLine } from './terminal.js';
import { UsageError } from './usage-error.js';

/** What follows the name of the command. Resolves with the exit status. */
export type Command = (args: readonly string[]) => Promise<number>;

/** Each loads only what it needs: the stores take most of the time of a start. */
const commands: Readonly<Record<string, Command>> = {
  demo: async (args) => (await import('./commands/demo.js')).runDemo(args),
  doctor: async (args) => (await import('./commands/doctor.js')).runDoctor(args),
  doubts: async (args) => (await import('./commands/doubts.js')).runDoubts(args),
  find: async (args) => (await import('./commands/find.js')).runFind(args),
  inspect: async (args) => (await import('./commands/inspect.js')).runInspect(args),
  remove: async (args) => (await import('./commands/remove.js')).runRemove(args),
  resolve: async (args) => (await import('./commands/resolve.js')).runResolve(args),
};

/** Started by `demo` alone. */
const runDemoServer: Command = async (args) => (await import('./commands/demo-server.js')).runDemoServer(args);

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
    printError(await sentenceOf(error));
    return exitStatus.notCarriedOut;
  }
}

/** Core's messages are made for operators and have no secrets. Everything else is a mistake of this program. */
async function sentenceOf(error: unknown): Promise<string> {
  if (error instanceof UsageError) return error.message;
  const { IdempotencyError, StoreError } = await import('@onceguard/core');
  if (error instanceof StoreError) return storeSentence(error);
  if (error instanceof IdempotencyError) return error.message;
  const text = error instanceof Error ? error.message : String(error);
  return `The command failed: ${text}`;
}

function storeSentence({ class: storeClass, message }: StoreError): string {
  if (storeClass !== 'unknown') return message;
  return `${message} It may have been carried out all the same: look with onceguard find before you repeat it.`;
}
