// startPgBouncer: a pooler in transaction mode in front of a PostgreSQL, installed where it is missing.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { reservePort } from '../../packages/testing/src/servers/reserved-port.js';
import { ServerDirectory } from '../../packages/testing/src/servers/server-directory.js';
import { findProgram } from '../../packages/testing/src/servers/server-process.js';
import { installPackage } from './install-package.js';
import { serverUser } from './postgres-server.js';

export interface PgBouncer {
  readonly url: string;
  stop(): Promise<void>;
}

/** `target`: the URL of the server. `serverConnections`: how many connections to it all clients share. */
export async function startPgBouncer(target: string, serverConnections: number): Promise<PgBouncer> {
  const { hostname, port, username } = new URL(target);
  const reserved = await reservePort();
  const directory = new ServerDirectory(
    () => `[databases]
* = host=${hostname} port=${port} user=${username}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${reserved.port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${serverConnections}
max_client_conn = 500
`,
    'pgbouncer',
  );
  chmodSync(directory.path, 0o755);
  const child = spawn(findPgBouncer(), [directory.configPath], {
    ...serverUser(),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  directory.setServerPid(child.pid ?? null);
  const exited = once(child, 'exit');
  let output = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (text: Buffer) => {
      output += text;
      if (output.includes('process up')) resolve();
    });
    void exited.then(() => reject(new Error(`PgBouncer ended:\n${output}`)));
  });
  const url = new URL(target);
  url.port = String(reserved.port);
  return {
    url: url.href,
    async stop() {
      child.kill('SIGKILL');
      await exited;
      directory.remove();
      reserved.release();
    },
  };
}

function findPgBouncer(): string {
  const find = () => findProgram(['pgbouncer'], ['/usr/sbin']);
  const found = find();
  if (found !== undefined) return found;
  installPackage('pgbouncer', 'This test needs PgBouncer. Install it so that pgbouncer is on the PATH.');
  return find() ?? 'pgbouncer';
}
