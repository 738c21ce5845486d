// How the scripts start other programs, and how they say how long something took. Runs on plain Node, before anything is installed.
import { spawn, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The path of an installed development tool. */
export function bin(name) {
  return join(root, 'node_modules', '.bin', name);
}

/** Runs a program to its end in the terminal of this one; answers its exit status, 1 if it had none. */
export function run(command, args, options = {}) {
  const result = spawnSync(...startable(command, args, { stdio: 'inherit', ...options }));
  if (result.error) console.error(`${command}: ${result.error.message}`);
  return result.status ?? 1;
}

/** Runs a program to its end and answers its exit status and what it printed to either stream. */
export function runQuietly(command, args, options = {}) {
  const { status, error, stdout, stderr } = spawnSync(...startable(command, args, { encoding: 'utf8', ...options }));
  return { status: status ?? 1, output: error?.message ?? `${stdout}${stderr}` };
}

/** Runs a program to its end, and calls `onLine` with each line that it prints; resolves with its exit status. */
export function runLineByLine(command, args, onLine, options = {}) {
  const child = spawn(...startable(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options }));
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream.setEncoding('utf8').on('data', (text) => {
      const lines = `${rest}${text}`.split(/\r?\n/);
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    });
    stream.on('end', () => rest !== '' && onLine(rest));
  }
  return new Promise((resolve) => {
    child.on('error', (error) => {
      onLine(`${command}: ${error.message}`);
      resolve(1);
    });
    child.on('close', (code) => resolve(code ?? 1));
  });
}

/**
 * Becomes another program, as far as Node can: passes on a request to end, and ends with its exit status unless that is 0. Resolves with
 * the status when the program has ended. Where the user asked for the end, this process ends too.
 */
export function become(command, args, options = {}) {
  const child = spawn(...startable(command, args, { stdio: 'inherit', ...options }));
  let isEndAsked = false;
  const endChild = () => {
    isEndAsked = true;
    child.kill('SIGTERM');
  };
  // The terminal sends Ctrl-C to both; this one waits for the other to finish in its own way.
  const wait = () => {
    isEndAsked = true;
  };
  process.on('SIGTERM', endChild);
  process.on('SIGINT', wait);
  return new Promise((resolve) => {
    const end = (status) => {
      if (isEndAsked) process.exit(status);
      process.off('SIGTERM', endChild);
      process.off('SIGINT', wait);
      if (status !== 0) process.exitCode = status;
      resolve(status);
    };
    child.on('error', (error) => {
      console.error(`${command}: ${error.message}`);
      end(1);
    });
    child.on('exit', (code) => end(code ?? 1));
  });
}

/** The time since `startedAt` (a reading of `performance.now()`), as in `42 s` or `3 min 5 s`. */
export function timeSince(startedAt) {
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** Windows starts tools through its shell, which takes one line: Node warns of separate arguments there. */
function startable(command, args, options) {
  const inRoot = { cwd: root, ...options };
  if (process.platform !== 'win32') return [command, args, inRoot];
  return [[command, ...args].join(' '), [], { ...inRoot, shell: true }];
}
