// promtool of Prometheus: the one in PROMTOOL, or on the PATH, or installed on Debian as root.
import { spawnSync } from 'node:child_process';
import { installPackage } from '../support/install-package.js';

/** Runs promtool. Resolves its exit status and all that it printed. */
export function promtool(...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(findPromtool(), args, { encoding: 'utf8' });
  return { status, output: `${stdout}${stderr}` };
}

function findPromtool(): string {
  const named = process.env.PROMTOOL ?? 'promtool';
  if (starts(named)) return named;
  const remedy =
    'The rules are checked with promtool. Install Prometheus so that promtool is on the PATH, or set PROMTOOL to its path.';
  if (process.env.PROMTOOL !== undefined) throw new Error(`${named} does not start. ${remedy}`);
  installPackage('prometheus', remedy);
  return named;
}

function starts(program: string): boolean {
  return spawnSync(program, ['--version']).status === 0;
}
