// A Redis server of the caller's own on a loopback port, to stop, freeze, kill and bring back.
import { randomInt } from 'node:crypto';
import { sendCommand } from './redis-connection.js';
import { ServerDirectory } from './server-directory.js';
import { ServerProcess } from './server-process.js';

/**
 * Below the ports that systems give away by themselves: while a server is down, nobody else gets its port, nor the one
 * 10,000 above it, where a cluster node listens to the others.
 */
const portRange = [10_000, 22_000] as const;
const maxPortAttempts = 5;

const host = '127.0.0.1';
const defaultArgs = [
  ...['--bind', host, '--save', '', '--appendonly', 'no'],
  // By way of a file a replica that is online is sent what is written from then on; without, only from its first report on,
  // which may be a second later. The file goes, so that no restart reads it.
  ...['--repl-diskless-sync', 'no', '--rdb-del-sync-files', 'yes'],
];

export interface StartRedisOptions {
  /** A port that is known to be free. Default: a free one, which stays free while the server is down. */
  readonly port?: number;
  /** Further arguments of the server; they win over the defaults. */
  readonly args?: readonly string[];
}

export interface RestartOptions {
  /** Further arguments, this time only; they win over those of the start. */
  readonly args?: readonly string[];
  /** In a directory as at the first start. Default false: with what the server has written to disk, if it did. */
  readonly discardData?: boolean;
}

/** A Redis server that the caller owns. It listens on the loopback only, and ends when this process does, however that ends. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** Of the process that runs or ran last: another one after a restart. */
  readonly pid: number;
  readonly state: 'running' | 'frozen' | 'down';
  /** Sends one command on a connection of its own, where WAIT says nothing about other commands. Needs `ioredis`. */
  command(name: string, ...args: readonly (string | number)[]): Promise<unknown>;
  /** Asks the server to shut down, waits until it is gone, and removes its directory. Also after `kill` or `freeze`. */
  stop(): Promise<void>;
  /** Ends the server at once, as a crash would, and waits until it is gone. Its directory stays until `stop`. */
  kill(): Promise<void>;
  /** The server does nothing more, and its connections stay: SIGSTOP. */
  freeze(): void;
  thaw(): void;
  /** Kills the server where it runs, and brings it back on the same port. */
  restart(options?: RestartOptions): Promise<void>;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * Starts `redis-server` or `valkey-server` from the PATH, and resolves once it listens. It keeps nothing on disk unless
 * `args` say otherwise. One that has data to load may answer LOADING for a while yet.
 */
export async function startRedis({ port, args = [] }: StartRedisOptions = {}): Promise<RedisServer> {
  for (let tries = 1; ; tries += 1) {
    const server = new LocalRedisServer(port ?? randomInt(...portRange), args);
    try {
      await server.restart();
      return server;
    } catch (error) {
      await server.stop();
      if (port !== undefined || tries === maxPortAttempts) throw error;
    }
  }
}

/** The arguments of a server that follows the one on this port. */
export function replicaArgs(port: number): string[] {
  return ['--replicaof', host, String(port)];
}

export function addressOf({ port }: RedisServer): Address {
  return { host, port };
}

/** In a file, where the server and its Sentinels can rewrite what becomes another. */
function renderConfig(args: readonly string[]): string {
  return args.map((arg) => (arg.startsWith('--') ? `\n${arg.slice(2)}` : ` ${JSON.stringify(arg)}`)).join('');
}

class LocalRedisServer implements RedisServer {
  readonly #args: readonly string[];
  readonly #directory: ServerDirectory;
  #process: ServerProcess | null = null;
  #pid = 0;
  #state: RedisServer['state'] = 'down';

  constructor(
    readonly port: number,
    args: readonly string[],
  ) {
    this.#directory = new ServerDirectory((path) =>
      renderConfig(['--port', String(port), '--dir', path, ...defaultArgs, ...args]),
    );
    // What makes a Sentinel of it is heeded nowhere but here.
    this.#args = [this.#directory.configPath, ...args.filter((arg) => arg === '--sentinel').slice(0, 1)];
  }

  get url() {
    return `redis://${host}:${this.port}`;
  }

  get pid() {
    return this.#pid;
  }

  get state() {
    return this.#state;
  }

  async command(name: string, ...args: readonly (string | number)[]): Promise<unknown> {
    return await sendCommand(this.url, name, args);
  }

  async restart({ args = [], discardData = false }: RestartOptions = {}): Promise<void> {
    await this.kill();
    if (discardData) this.#directory.reset();
    const process = new ServerProcess([...this.#args, ...args]);
    this.#attach(process);
    try {
      await process.waitUntilListening();
    } catch (error) {
      await process.kill();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
    this.#directory.remove();
  }

  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  freeze(): void {
    this.#signal('SIGSTOP', 'frozen');
  }

  thaw(): void {
    this.#signal('SIGCONT', 'running');
  }

  #attach(process: ServerProcess): void {
    this.#process = process;
    this.#pid = process.pid;
    this.#state = 'running';
    this.#directory.setServerPid(process.pid);
    void process.exited.then(() => {
      this.#process = null;
      this.#state = 'down';
      this.#directory.setServerPid(null);
    });
  }

  #signal(name: NodeJS.Signals, state: RedisServer['state']): void {
    if (this.#process === null) return;
    this.#process.signal(name);
    this.#state = state;
  }
}
