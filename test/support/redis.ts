// Redis for the tests: the server that the whole run shares, and servers of a test's own, to stop, freeze and kill.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const STARTUP_MS = 15_000;
/** Below the ports that systems give away by themselves: while a server is down, nobody else gets its port. */
const portRange = [10_000, 32_000] as const;

/** A Redis server that the caller owns, on a loopback port, keeping nothing on disk unless `args` say otherwise. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Asks the server to shut down, waits until it is gone, and removes its directory. Also ends a frozen server. */
  stop(): Promise<void>;
  /** Ends the server at once, as a crash would, and waits until it is gone. */
  kill(): Promise<void>;
}

export interface StartRedisOptions {
  /** A port that is known to be free, as when a killed server comes back. Default: a free one, which stays free while it is down. */
  readonly port?: number;
  /** Further arguments of the server; they win over the defaults. */
  readonly args?: readonly string[];
}

/** Where the Redis of this run listens. The run's setup started it or was given it; throws outside a run. */
export function redisUrl(): string {
  const url = process.env.REDIS_URL;
  if (!url) throw new Error('REDIS_URL is not set: run the tests with `npm test` or `npx vitest`, which set it');
  return url;
}

/** Starts a server and resolves once it listens; one that has data to load may answer LOADING for a while yet. */
export async function startRedis(options: StartRedisOptions = {}): Promise<RedisServer> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await startOn(options.port ?? randomInt(...portRange), options.args ?? []);
    } catch (error) {
      if (options.port !== undefined || tries === 5) throw error;
    }
  }
}

async function startOn(port: number, args: readonly string[]): Promise<RedisServer> {
  const binary = findRedisBinary();
  if (!binary) throw new Error('neither redis-server nor valkey-server is on the PATH');
  const dir = mkdtempSync(join(tmpdir(), 'onceguard-redis-'));
  const defaults = ['--bind', '127.0.0.1', '--dir', dir, '--save', '', '--appendonly', 'no'];
  const child = spawn(binary, ['--port', String(port), ...defaults, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const server = ownedServer(child, port, dir);
  try {
    await untilListening(child, port);
  } catch (error) {
    await server.kill();
    throw error;
  }
  return server;
}

/** The path of a server binary, Redis first, or undefined where neither is installed. */
export function findRedisBinary(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const candidates = ['redis-server', 'valkey-server'].flatMap((name) => folders.map((folder) => join(folder, name)));
  return candidates.find(isExecutable);
}

function ownedServer(child: ChildProcess, port: number, dir: string): RedisServer {
  const exited = once(child, 'close').catch(() => undefined);
  const guard = guardAgainstOrphans(child);
  const gone = async () => {
    await exited;
    guard.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    pid: child.pid ?? 0,
    async stop() {
      child.kill('SIGTERM');
      child.kill('SIGCONT');
      await gone();
    },
    async kill() {
      child.kill('SIGKILL');
      await gone();
    },
  };
}

/** A process that ends the server when this one is gone, however it went: then the pipe that the shell reads closes. */
function guardAgainstOrphans(child: ChildProcess): ChildProcess {
  const guard = spawn('sh', ['-c', 'read _; kill -9 "$0"', String(child.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.unref();
  return guard;
}

async function untilListening(child: ChildProcess, port: number): Promise<void> {
  let output = '';
  await new Promise<void>((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`Redis on port ${port} ${why}\n${output}`));
    const read = (text: Buffer) => {
      output += text;
      if (output.includes('Server initialized')) resolve();
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('error', (error) => fail(error.message));
    child.once('close', (code) => fail(`exited with ${code}`));
    setTimeout(() => fail(`did not start within ${STARTUP_MS} ms`), STARTUP_MS).unref();
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
