// One process of a Redis server: finds the binary, starts it, and waits until it listens.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { signalChild } from './signal-child.js';

const startupTimeoutMs = 15_000;
const shutdownTimeoutMs = 2_000;
const listeningPattern = /Server initialized|Sentinel ID is/;

export class ServerProcess {
  readonly pid: number;
  /** Resolves when the process has ended. */
  readonly exited: Promise<unknown>;
  readonly #child: ChildProcess;

  constructor(args: readonly string[]) {
    this.#child = spawn(requireRedisBinary(), args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.pid = this.#child.pid ?? 0;
    this.exited = once(this.#child, 'close').catch(() => undefined);
  }

  /** Resolves once the server listens. A server with data to load may still reply LOADING for a while. */
  async waitUntilListening(): Promise<void> {
    const { stdout, stderr } = this.#child;
    let output = '';
    const started = new Promise<void>((resolve, reject) => {
      const fail = (reason: string) => reject(new Error(`${this.#child.spawnargs.join(' ')}: ${reason}\n${output}`));
      const onOutput = (text: Buffer) => {
        output += text;
        if (listeningPattern.test(output)) resolve();
      };
      stdout?.on('data', onOutput);
      stderr?.on('data', onOutput);
      this.#child.once('error', (error) => fail(error.message));
      this.#child.once('close', (code) => fail(`exited with ${code}`));
      setTimeout(() => fail(`did not start within ${startupTimeoutMs} ms`), startupTimeoutMs).unref();
    });
    await started;
    // Later output is read and dropped, so that a full pipe does not block the server.
    stdout?.removeAllListeners('data').resume();
    stderr?.removeAllListeners('data').resume();
  }

  signal(name: NodeJS.Signals): void {
    signalChild(this.#child, name);
  }

  async kill(): Promise<void> {
    signalChild(this.#child, 'SIGKILL');
    await this.exited;
  }

  /** Ends the process with SIGTERM, also if it is frozen. Kills it after two seconds. */
  async stop(): Promise<void> {
    const timer = setTimeout(() => signalChild(this.#child, 'SIGKILL'), shutdownTimeoutMs);
    signalChild(this.#child, 'SIGTERM');
    signalChild(this.#child, 'SIGCONT');
    await this.exited;
    clearTimeout(timer);
  }
}

/** The path of `redis-server`, or else of `valkey-server`; undefined if neither is on the PATH. */
export function findRedisBinary(): string | undefined {
  return findProgram(['redis-server', 'valkey-server']);
}

/** The path of the first of these programs that exists in `folders` or on the PATH. Earlier folders take precedence. */
export function findProgram(names: readonly string[], folders: readonly string[] = []): string | undefined {
  const searched = [...folders, ...(process.env.PATH ?? '').split(delimiter)].filter((folder) => folder !== '');
  return names.flatMap((name) => searched.map((folder) => join(folder, name))).find(isExecutable);
}

function requireRedisBinary(): string {
  const path = findRedisBinary();
  if (path !== undefined) return path;
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
