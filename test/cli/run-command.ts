// The command as users run it: a process of its own, with the built package.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { readRepositoryFile, root } from '../packages/source-trees.js';

const { bin } = JSON.parse(readRepositoryFile('packages/core/package.json'));
const program = join(root, 'packages/core', bin.onceguard);

export interface CommandResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Resolves when the process has ended, by itself. */
export async function runOnceguard(...args: string[]): Promise<CommandResult> {
  return await runToEnd(process.execPath, [program, ...args]);
}

export function runToEnd(command: string, args: readonly string[], cwd?: string): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = execFile(command, [...args], { cwd, timeout: 30_000 }, (_error, stdout, stderr) =>
      resolve({ status: child.exitCode, stdout, stderr }),
    );
  });
}
