// The directory of one server, which is gone when its server is stopped or when this process has ended, however it did.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Reads the id of the server's process whenever there is another. The pipe ends with the process that writes to it.
const cleanupScript = `
while read -r line; do pid=$line; done
if [ "$pid" != none ]; then kill -9 "$pid" && sleep 0.2; fi
rm -rf "$0"
`;

export class ServerDirectory {
  readonly path: string;
  /** What its server is configured with, and what it rewrites. */
  readonly configPath: string;
  readonly #renderConfig: (path: string) => string;
  readonly #cleanupProcess: ChildProcess;

  /** `config`: the text of the configuration at the first start, given the directory. */
  constructor(config: (path: string) => string) {
    this.path = mkdtempSync(join(tmpdir(), 'onceguard-redis-'));
    this.configPath = join(this.path, 'redis.conf');
    this.#renderConfig = config;
    this.#cleanupProcess = spawn('sh', ['-c', cleanupScript, this.path], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    // A guard that somebody ended guards no more; that is no reason to end its server.
    this.#cleanupProcess.stdin?.on('error', () => {});
    this.#cleanupProcess.on('error', () => {});
    this.#cleanupProcess.unref();
    this.setServerPid(null);
    this.#writeConfig();
  }

  /** By the process with this id, to be ended along with the one that we are in; null: by none. */
  setServerPid(pid: number | null): void {
    this.#cleanupProcess.stdin?.write(`${pid ?? 'none'}\n`);
  }

  /** As it was at the beginning. */
  reset(): void {
    rmSync(this.path, { recursive: true, force: true });
    mkdirSync(this.path);
    this.#writeConfig();
  }

  remove(): void {
    this.#cleanupProcess.kill('SIGKILL');
    rmSync(this.path, { recursive: true, force: true });
  }

  #writeConfig(): void {
    writeFileSync(this.configPath, this.#renderConfig(this.path));
  }
}
