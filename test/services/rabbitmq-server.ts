// A RabbitMQ for the tests: on free loopback ports, in its own directory, gone when it is stopped or this process ends.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reservePort } from '../../packages/testing/src/servers/reserved-port.js';
import { findProgram } from '../../packages/testing/src/servers/server-process.js';

const startupMs = 120_000;
const maxStarts = 3;

// Packages install the program there; the scripts on the PATH may insist on another user.
const packagedFolder = '/usr/lib/rabbitmq/bin';

// The standard input ends with this process. Nobody needs the data: the server is killed without an orderly shutdown.
const guardScript = `
epmd -port "$ERL_EPMD_PORT" -address 127.0.0.1 & epmd=$!
"$1" & server=$!
read -r _
kill -9 $server; kill $epmd; wait
rm -rf "$HOME"
`;

export interface Rabbitmq {
  readonly url: string;
  stop(): Promise<void>;
}

/** The path of the server's program, or undefined where it is not installed. */
export function findRabbitmq(): string | undefined {
  return findProgram(['rabbitmq-server'], [packagedFolder]);
}

/** Resolves when the server listens, after some seconds. */
export async function startRabbitmq(): Promise<Rabbitmq> {
  const program = findRabbitmq();
  if (program === undefined) throw new Error('rabbitmq-server is not on the PATH.');
  for (let tried = 1; ; tried += 1) {
    const reserved = await Promise.all([1, 2, 3].map(() => reservePort()));
    const [port = 0, ...others] = reserved.map((one) => one.port);
    const guard = spawn('sh', ['-c', guardScript, 'sh', program], {
      env: { ...process.env, ...environment(port, others) },
      stdio: ['pipe', 'pipe', 'pipe'],
      // A signal from the terminal to this process does not end the guard before it has cleaned up.
      detached: true,
    });
    const stop = async () => {
      guard.stdin.end();
      await ended;
      for (const one of reserved) one.release();
    };
    const ended = once(guard, 'close');
    try {
      await started(guard);
      return { url: `amqp://guest:guest@127.0.0.1:${port}`, stop };
    } catch (error) {
      await stop();
      if (tried === maxStarts) throw error;
    }
  }
}

function environment(port: number, [distributionPort, epmdPort]: readonly number[]): NodeJS.ProcessEnv {
  const home = mkdtempSync(join(tmpdir(), 'onceguard-rabbitmq-'));
  const none = join(home, 'none');
  return {
    HOME: home,
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: `onceguard-${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_MNESIA_BASE: join(home, 'data'),
    RABBITMQ_LOG_BASE: join(home, 'log'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_ENABLED_PLUGINS_FILE: none,
    RABBITMQ_CONF_ENV_FILE: none,
    RABBITMQ_CONFIG_FILE: none,
    RABBITMQ_ADVANCED_CONFIG_FILE: none,
    // The program becomes the server, instead of starting it, so that the guard knows the server's process id.
    RABBITMQ_ALLOW_INPUT: 'true',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-noinput -kernel inet_dist_use_interface {127,0,0,1}',
  };
}

async function started(guard: ChildProcess): Promise<void> {
  let output = '';
  await new Promise<void>((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`RabbitMQ ${why}:\n${output}`));
    const late = setTimeout(() => fail(`did not start within ${startupMs} ms`), startupMs);
    const read = (text: Buffer) => {
      output += text.toString();
      if (!/Server startup complete|BOOT FAILED|not found|in use/.test(output)) return;
      clearTimeout(late);
      if (output.includes('Server startup complete')) resolve();
      else fail('did not start');
    };
    guard.stdout?.on('data', read);
    guard.stderr?.on('data', read);
    guard.once('error', (error) => fail(error.message));
  });
  // Its further output is read, so that it does not block, and discarded.
  for (const stream of [guard.stdout, guard.stderr]) stream?.removeAllListeners('data').resume();
}
