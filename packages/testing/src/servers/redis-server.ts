// startRedis: a Redis server on a loopback port, to stop, freeze, kill and restart in tests.
import { sendCommand } from './redis-connection.js';
import { type ReservedPort, reservePort } from './reserved-port.js';
import { ServerDirectory } from './server-directory.js';
import { ServerProcess } from './server-process.js';

const maxPortAttempts = 5;

const host = '127.0.0.1';
const defaultArgs = [
  ...['--bind', host, '--save', '', '--appendonly', 'no'],
  // With disk-based synchronization a replica gets new writes as soon as it is online. Without it, the replica gets them only after its
  // first report, up to a second later. The file is deleted afterwards, so that no restart reads it.
  ...['--repl-diskless-sync', 'no', '--rdb-del-sync-files', 'yes'],
];

export interface StartRedisOptions {
  /** A port that is known to be free. Default: a free port, which stays free while the server is down. */
  readonly port?: number;
  /** Further arguments of the server. They take precedence over the defaults. */
  readonly args?: readonly string[];
}

export interface RestartOptions {
  /** Further arguments for this start only. They take precedence over those of the first start. */
  readonly args?: readonly string[];
  /** Whether to start with an empty directory. Default: false; then the server loads what it has written to disk, if anything. */
  readonly discardData?: boolean;
}

/** A Redis server that the caller owns. It listens on the loopback interface only, and ends when this process ends, even by SIGKILL. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** The id of the process that runs or ran last. It changes with a restart. */
  readonly pid: number;
  readonly state: 'running' | 'frozen' | 'down';
  /** Sends one command on a connection of its own, and resolves with the reply. So WAIT says nothing about other commands. Needs `ioredis`. */
  command(name: string, ...args: readonly (string | number)[]): Promise<unknown>;
  /** Shuts the server down, waits until its process has ended, and removes its directory. Also works after `kill` or `freeze`. */
  stop(): Promise<void>;
  /** Ends the server at once, as a crash would, and waits until its process has ended. Its directory stays until `stop`. */
  kill(): Promise<void>;
  /** Stops the server's process with SIGSTOP. Its connections stay open and get no replies. */
  freeze(): void;
  /** Lets a frozen server continue. */
  thaw(): void;
  /** Kills the server if it runs, and starts it again on the same port. */
  restart(options?: RestartOptions): Promise<void>;
}

/** The host and port of a server. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * Starts `redis-server` or `valkey-server` from the PATH, and resolves once it listens. It keeps nothing on disk, unless `args` say
 * otherwise. A server with data to load may still reply LOADING for a while.
 *
 * @example
 * ```ts
 * import { RedisStore } from '@onceguard/core/redis';
 * import { startRedis } from '@onceguard/testing';
 *
 * const redis = await startRedis({ args: ['--appendonly', 'yes'] });
 * const store = await RedisStore.connect(redis.url);
 * await redis.restart(); // as after a crash
 * await store.close();
 * await redis.stop();
 * ```
 */
export async function startRedis({ port, args = [] }: StartRedisOptions = {}): Promise<RedisServer> {
  for (let tries = 1; ; tries += 1) {
    const server = new LocalRedisServer(port === undefined ? await reservePort() : { port, release: () => {} }, args);
    try {
      await server.restart();
      return server;
    } catch (error) {
      await server.stop();
      if (port !== undefined || tries === maxPortAttempts) throw error;
    }
  }
}

/** The arguments of a replica of the server on this port. */
export function replicaArgs(port: number): string[] {
  return ['--replicaof', host, String(port)];
}

export function addressOf({ port }: RedisServer): Address {
  return { host, port };
}

/** The text of the configuration file. It is a file so that the server, or a Sentinel, can rewrite it after a failover. */
function renderConfig(args: readonly string[]): string {
  return args.map((arg) => (arg.startsWith('--') ? `\n${arg.slice(2)}` : ` ${JSON.stringify(arg)}`)).join('');
}

class LocalRedisServer implements RedisServer {
  readonly port: number;
  readonly #reserved: ReservedPort;
  readonly #args: readonly string[];
  readonly #directory: ServerDirectory;
  #process: ServerProcess | null = null;
  #pid = 0;
  #state: RedisServer['state'] = 'down';

  constructor(reserved: ReservedPort, args: readonly string[]) {
    this.port = reserved.port;
    this.#reserved = reserved;
    this.#directory = new ServerDirectory((path) =>
      renderConfig(['--port', String(this.port), '--dir', path, ...defaultArgs, ...args]),
    );
    // A server becomes a Sentinel only by a command-line argument, not by its configuration file.
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
    this.#reserved.release();
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
