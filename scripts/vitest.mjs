// How scripts run vitest, and how they repeat at their end what failed: of a long log often the end alone is kept.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { become, root } from './processes.mjs';

const reporter = join(root, 'scripts', 'failures-reporter.mjs');

/** A hundred failures have one cause: the first ones tell it. */
const MAX_FAILURES = 20;

/**
 * Runs vitest to its end in the terminal of this process, or with its output in the file `output`, on the Node that runs or on the given
 * one. Resolves with its exit status and with what failed, as text. The process ends with the status of the last run that failed.
 */
export async function runVitest(args, { node = process.execPath, env = process.env, output } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'onceguard-failures-'));
  const file = join(folder, 'failures.json');
  const program = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  // A reporter on the command line takes the place of all others.
  const reporters = args.some((arg) => arg.startsWith('--reporter')) ? [] : ['--reporter=default'];
  const log = output === undefined ? 'inherit' : openSync(output, 'w');
  const status = await become(node, [program, 'run', ...reporters, `--reporter=${reporter}`, ...args], {
    env: { ...env, ONCEGUARD_FAILURES: file },
    stdio: ['inherit', log, log],
  });
  if (output !== undefined) closeSync(log);
  const failed = status === 0 ? '' : failuresIn(file);
  rmSync(folder, { recursive: true });
  return { status, failed };
}

function failuresIn(file) {
  try {
    const failures = JSON.parse(readFileSync(file, 'utf8'));
    if (failures.length === 0) return 'No test failed: the error is further up.';
    const more = failures.length > MAX_FAILURES ? [`… and ${failures.length - MAX_FAILURES} more, further up`] : [];
    return [...failures.slice(0, MAX_FAILURES), ...more].join('\n');
  } catch (error) {
    return `What failed could not be read (${error.message}): it is further up.`;
  }
}
