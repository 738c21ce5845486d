// The command as users run it: a process of its own, with the built package.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { read, root } from '../packages/sources.js';

const { bin } = JSON.parse(read('packages/core/package.json'));
const program = join(root, 'packages/core', bin.onceguard);

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Resolves when the process has ended, by itself. */
export async function onceguard(...args: string[]): Promise<Ended> {
  return await ended(process.execPath, [program, ...args]);
}

export function ended(command: string, args: readonly string[], cwd?: string): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(command, [...args], { cwd, timeout: 30_000 }, (_error, stdout, stderr) =>
      resolve({ status: child.exitCode, stdout, stderr }),
    );
  });
}
