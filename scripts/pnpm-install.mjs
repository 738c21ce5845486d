// Installs with pnpm, says how far it is, and prints what pnpm says only where somebody has to read it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, runLineByLine, timeSince } from './processes.mjs';

export const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** In a terminal one line is written again and again. Elsewhere each report is a line, and these are rare. */
const reportEveryMs = 5000;

/** Installs exactly what the lockfile names; answers the exit status of pnpm. `what` names it for the reader. */
export async function pnpmInstall(what, args = []) {
  const pnpm = `pnpm@${manifest.devDependencies.pnpm}`;
  console.log(`Installing ${what} (with ${pnpm}) …`);
  const startedAt = performance.now();
  const progress = new Progress();
  const lines = [];
  const command = ['-y', pnpm, 'install', '--frozen-lockfile', '--reporter=append-only', ...args];
  const status = await runLineByLine('npx', command, (line) => {
    lines.push(line);
    progress.read(line);
  });
  progress.end();
  if (status !== 0) console.error(lines.join('\n'));
  else {
    for (const warning of lines.filter(isWarning)) console.log(warning);
    console.log(`Installed in ${timeSince(startedAt)}.`);
  }
  return status;
}

/** That a dependency of a dependency is deprecated is nothing that the reader could change. */
function isWarning(line) {
  return /^\s*WARN\b/.test(line) && !/deprecated/.test(line);
}

/** Reads how far pnpm is, as its reporter for logs prints it, and tells it in few lines. */
class Progress {
  #total = 0;
  #reportedAt = performance.now();
  #isLineOpen = false;

  read(line) {
    this.#total = Number(/^Packages: \+(\d+)/.exec(line)?.[1] ?? this.#total);
    const [, reused, downloaded] = /^Progress: .*reused (\d+), downloaded (\d+)/.exec(line) ?? [];
    if (this.#total === 0 || downloaded === undefined) return;
    const text = `  ${Number(reused) + Number(downloaded)} of ${this.#total} packages`;
    if (process.stdout.isTTY) {
      process.stdout.write(`\r${text}`);
      this.#isLineOpen = true;
    } else if (performance.now() - this.#reportedAt >= reportEveryMs) {
      console.log(text);
      this.#reportedAt = performance.now();
    }
  }

  end() {
    if (this.#isLineOpen) process.stdout.write('\n');
  }
}
