// Asks before something is changed that cannot be taken back.
import { createInterface } from 'node:readline/promises';
import { UsageError } from './usage-error.js';

/** Resolves with whether the person agrees. Throws a `UsageError` where nobody can answer and `--yes` was not given. */
export async function confirm(question: string, yes: boolean): Promise<boolean> {
  if (yes) return true;
  if (process.stdin.isTTY !== true) {
    throw new UsageError('Nobody is there to be asked: add --yes to go ahead without a question. Nothing was changed.');
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
