// Keeps one server running: when it dies, another one takes its port.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A message of a server: where it listens, or what it found out about an order. */
type ServerMessage = { readonly url: string } | { readonly order: string; readonly found: string };

export interface SupervisedServer {
  readonly url: string;
  /** What `recover` found out about this order, in order. */
  recoveriesOf(order: string): readonly string[];
  stop(): Promise<void>;
}

const program = fileURLToPath(new URL('server.ts', import.meta.url));

export async function superviseServer(args: readonly string[]): Promise<SupervisedServer> {
  const recoveries: { readonly order: string; readonly found: string }[] = [];
  let child: ChildProcess;
  let isStopping = false;

  async function start(port: string): Promise<string> {
    // The first server prints warnings; the others need not repeat them.
    const execArgv = port === '0' ? process.execArgv : [...process.execArgv, '--disable-warning=OnceguardWarning'];
    child = fork(program, [...args, port], { execArgv });
    child.once('exit', (_code, signal) => {
      if (signal === 'SIGKILL' && !isStopping) void start(new URL(url).port);
    });
    return await new Promise((resolve, reject) => {
      child.on('message', (told: ServerMessage) => ('url' in told ? resolve(told.url) : void recoveries.push(told)));
      child.once('exit', () => reject(new Error('The server did not start.')));
    });
  }

  const url = await start('0');
  return {
    url,
    recoveriesOf: (order) => recoveries.filter((recovery) => recovery.order === order).map(({ found }) => found),
    async stop() {
      isStopping = true;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
