// The command `onceguard` in two ways: as users run it, and in the process of the test, which takes a hundredth of the time.
import { AsyncLocalStorage } from 'node:async_hooks';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { main } from '@onceguard/cli';
import { readRepositoryFile, root } from '../packages/source-trees.js';

const { bin } = JSON.parse(readRepositoryFile('packages/cli/package.json'));
export const program = join(root, 'packages/cli', bin.onceguard);

export interface CommandResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process of its own, with the built package: for streams, exit status, and that the process ends by itself. */
export async function startOnceguard(...args: string[]): Promise<CommandResult> {
  return await runToEnd(process.execPath, [program, ...args]);
}

export function runToEnd(command: string, args: readonly string[], cwd?: string): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = execFile(command, [...args], { cwd, timeout: 110_000 }, (_error, stdout, stderr) =>
      resolve({ status: child.exitCode, stdout, stderr }),
    );
    child.stdin?.end();
  });
}

type Output = Record<'stdout' | 'stderr', string>;
const outputs = new AsyncLocalStorage<Output>();

let running = 0;
let restore = () => {};

/** Calls what the process calls, and returns what it would print. Calls may overlap: each gets its own output. */
export async function runOnceguard(...args: string[]): Promise<CommandResult> {
  const output: Output = { stdout: '', stderr: '' };
  if (running === 0) restore = divertOutput();
  running += 1;
  try {
    const status = await outputs.run(output, () => main(args));
    return { status, ...output };
  } finally {
    running -= 1;
    if (running === 0) restore();
  }
}

/** What a command writes goes to its output; what anybody else writes, to the stream. Returns the function that ends this. */
function divertOutput(): () => void {
  const ends = (['stdout', 'stderr'] as const).map((name) => {
    const stream = process[name];
    const own = stream.write;
    const write = own.bind(stream);
    stream.write = ((...args: Parameters<typeof write>) => {
      const output = outputs.getStore();
      if (output === undefined) return write(...args);
      output[name] += String(args[0]);
      return true;
    }) as typeof write;
    return () => {
      stream.write = own;
    };
  });
  const { warn } = console;
  // As `bin/onceguard.js` does: the client of Redis prints there what the error of the command says as well.
  console.warn = (...args: unknown[]) => {
    if (outputs.getStore() === undefined) warn(...args);
  };
  return () => {
    for (const end of ends) end();
    console.warn = warn;
  };
}
