// startPostgres: a PostgreSQL server on a loopback port, to kill and to restart in tests.
import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import { type ReservedPort, reservePort } from '../../packages/testing/src/servers/reserved-port.js';
import { ServerDirectory } from '../../packages/testing/src/servers/server-directory.js';
import { findPostgres, type PostgresPrograms } from './postgres-programs.js';

const maxPortAttempts = 5;
const startupTimeoutMs = 30_000;

export interface StartPostgresOptions {
  readonly programs?: PostgresPrograms;
  /** Settings such as `max_connections: 20`. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** A running server of which this one becomes a streaming replica. */
  readonly standbyOf?: PostgresServer;
}

/** A server that the caller owns. It ends with this process, even by SIGKILL. The user `onceguard` may do everything, without a password. */
export interface PostgresServer {
  readonly url: string;
  readonly port: number;
  /** Ends the server at once, as a crash would. */
  kill(): Promise<void>;
  /** Starts a killed server again, on the same port and with its data. */
  restart(): Promise<void>;
  /** Stops all its processes where they are, as a frozen machine would: connections stay open, and nothing replies. */
  freeze(): void;
  /** Lets them continue. */
  thaw(): void;
  /** Makes a primary of a replica. Resolves when it takes writes. */
  promote(): Promise<void>;
  /** Ends the server, also a frozen one, and removes its data. */
  stop(): Promise<void>;
}

export async function startPostgres({
  programs = findPostgres(),
  settings = {},
  standbyOf,
}: StartPostgresOptions = {}) {
  for (let tries = 1; ; tries += 1) {
    const server = new LocalPostgresServer(programs, await reservePort(), settings);
    try {
      server.initialize(standbyOf);
      await server.restart();
      return server as PostgresServer;
    } catch (error) {
      await server.stop();
      if (tries === maxPortAttempts) throw error;
    }
  }
}

class LocalPostgresServer implements PostgresServer {
  readonly port: number;
  readonly #reserved: ReservedPort;
  readonly #programs: PostgresPrograms;
  readonly #directory: ServerDirectory;
  readonly #settings: Readonly<Record<string, string | number>>;
  #process: ChildProcess | null = null;
  #isFrozen = false;

  constructor(programs: PostgresPrograms, reserved: ReservedPort, settings: Readonly<Record<string, string | number>>) {
    this.port = reserved.port;
    this.#reserved = reserved;
    this.#programs = programs;
    this.#settings = { max_connections: 200, shared_buffers: '32MB', ...settings };
    this.#directory = new ServerDirectory(() => '', 'postgres');
  }

  get url(): string {
    return `postgres://onceguard@127.0.0.1:${this.port}/postgres`;
  }

  initialize(primary?: PostgresServer): void {
    const { path } = this.#directory;
    chmodSync(path, 0o755);
    const { uid, gid } = serverUser();
    if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid);
    if (primary !== undefined) {
      this.#copyFrom(primary);
      return;
    }
    const args = ['-D', join(path, 'data'), '-U', 'onceguard', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N'];
    execFileSync(this.#programs.initdb, args, { ...this.#options(), stdio: 'pipe' });
  }

  #copyFrom({ port }: PostgresServer): void {
    const program = join(dirname(this.#programs.initdb), 'pg_basebackup');
    const source = ['-h', '127.0.0.1', '-p', String(port), '-U', 'onceguard', '--checkpoint=fast', '--no-sync'];
    const args = [...source, '-D', join(this.#directory.path, 'data'), '-X', 'stream', '--write-recovery-conf'];
    execFileSync(program, args, { ...this.#options(), stdio: 'pipe' });
  }

  async restart(): Promise<void> {
    const { path } = this.#directory;
    const settings = Object.entries(this.#settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const args = ['-D', join(path, 'data'), '-h', '127.0.0.1', '-p', String(this.port), '-k', path, ...settings];
    const child = spawn(this.#programs.postgres, args, { ...this.#options(), stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process = child;
    this.#directory.setServerPid(child.pid ?? null);
    await untilReady(child);
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  freeze(): void {
    const pid = this.#pid();
    // The first process starts the others, so after it there are no new ones.
    process.kill(pid, 'SIGSTOP');
    for (const child of childrenOf(pid)) signal(child, 'SIGSTOP');
    this.#isFrozen = true;
  }

  thaw(): void {
    const pid = this.#pid();
    for (const child of childrenOf(pid)) signal(child, 'SIGCONT');
    process.kill(pid, 'SIGCONT');
    this.#isFrozen = false;
  }

  async promote(): Promise<void> {
    const client = new Client({ connectionString: this.url });
    await client.connect();
    // A call that waited for the promotion would hold a snapshot, for which the replay may have to wait.
    await client.query('SELECT pg_promote(false)');
    for (let isReplica = true; isReplica; )
      isReplica = (await client.query('SELECT pg_is_in_recovery() AS is_replica')).rows[0].is_replica;
    await client.end();
  }

  #pid(): number {
    const pid = this.#process?.pid;
    if (pid === undefined) throw new Error('The server does not run.');
    return pid;
  }

  async stop(): Promise<void> {
    if (this.#isFrozen) this.thaw();
    await this.#end('SIGQUIT');
    this.#directory.remove();
    this.#reserved.release();
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
    this.#directory.setServerPid(null);
  }

  #options(): SpawnOptions {
    const { path } = this.#directory;
    const { uid, gid } = serverUser();
    const user = uid === undefined || gid === undefined ? {} : { uid, gid };
    return { cwd: path, env: this.#programs.environment(path), ...user };
  }
}

function childrenOf(pid: number): number[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  const processes = lines.map((line) => line.trim().split(/\s+/).map(Number));
  return processes.flatMap(([child = 0, parent]) => (parent === pid ? [child] : []));
}

/** A process may have ended meanwhile. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function untilReady(child: ChildProcess): Promise<void> {
  let output = '';
  await new Promise<void>((resolve, reject) => {
    const fail = (reason: string) => reject(new Error(`${child.spawnargs.join(' ')}: ${reason}\n${output}`));
    child.stderr?.on('data', (text: Buffer) => {
      output += text;
      if (/database system is ready to accept (read-only )?connections/.test(output)) resolve();
    });
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code) => fail(`exited with ${code}`));
    setTimeout(() => fail(`did not start within ${startupTimeoutMs} ms`), startupTimeoutMs).unref();
  });
  // Later output is read and dropped, so that a full pipe does not block the server.
  child.stderr?.removeAllListeners('data').resume();
}

/** PostgreSQL refuses to run as root: it runs as the user `postgres`, or `nobody`. */
export function serverUser(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const name = ['postgres', 'nobody'].find((user) => idOf('-u', user) !== undefined);
  if (name === undefined) throw new Error('PostgreSQL does not run as root, and there is no user postgres or nobody.');
  return { uid: idOf('-u', name) ?? 0, gid: idOf('-g', name) ?? 0 };
}

function idOf(option: '-u' | '-g', user: string): number | undefined {
  try {
    return Number(execFileSync('id', [option, user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch {
    return undefined;
  }
}
