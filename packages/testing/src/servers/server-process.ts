// One process of a Redis server: found on the PATH, started, and waited for until it listens.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const startupTimeoutMs = 15_000;
const shutdownTimeoutMs = 2_000;
const listeningPattern = /Server initialized|Sentinel ID is/;

export class ServerProcess {
  readonly pid: number;
  /** Resolves when it is gone. */
  readonly exited: Promise<unknown>;
  readonly #child: ChildProcess;

  constructor(args: readonly string[]) {
    this.#child = spawn(requireRedisBinary(), args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.pid = this.#child.pid ?? 0;
    this.exited = once(this.#child, 'close').catch(() => undefined);
  }

  /** Resolves once it listens; one that has data to load may answer LOADING for a while yet. */
  async waitUntilListening(): Promise<void> {
    const { stdout, stderr } = this.#child;
    let output = '';
    const started = new Promise<void>((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`${this.#child.spawnargs.join(' ')}: ${why}\n${output}`));
      const read = (text: Buffer) => {
        output += text;
        if (listeningPattern.test(output)) resolve();
      };
      stdout?.on('data', read);
      stderr?.on('data', read);
      this.#child.once('error', (error) => fail(error.message));
      this.#child.once('close', (code) => fail(`exited with ${code}`));
      setTimeout(() => fail(`did not start within ${startupTimeoutMs} ms`), startupTimeoutMs).unref();
    });
    await started;
    // What it says from now on is read, so that it can go on, and not kept.
    stdout?.removeAllListeners('data').resume();
    stderr?.removeAllListeners('data').resume();
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
  }

  /** Asks it to end; one that was frozen too. Where it does not within two seconds, kills it. */
  async stop(): Promise<void> {
    const late = setTimeout(() => this.#child.kill('SIGKILL'), shutdownTimeoutMs);
    this.#child.kill('SIGTERM');
    this.#child.kill('SIGCONT');
    await this.exited;
    clearTimeout(late);
  }
}

/** The path of a server binary, Redis first, or undefined where neither is installed. */
export function findRedisBinary(): string | undefined {
  return findProgram(['redis-server', 'valkey-server']);
}

/** The path of the first of these programs that is in one of `folders` or on the PATH, in that order. */
export function findProgram(names: readonly string[], folders: readonly string[] = []): string | undefined {
  const all = [...folders, ...(process.env.PATH ?? '').split(delimiter)].filter((folder) => folder !== '');
  return names.flatMap((name) => all.map((folder) => join(folder, name))).find(isExecutable);
}

function requireRedisBinary(): string {
  const found = findRedisBinary();
  if (found !== undefined) return found;
  throw new Error(
    'Neither redis-server nor valkey-server is on the PATH. Install one of them, 6.0 or newer: ' +
      'apt-get install redis-server, brew install redis, dnf install valkey.',
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
