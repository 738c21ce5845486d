// The directory of one server. It is removed when the server is stopped, or when this process ends in whatever way.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signalChild } from './signal-child.js';

// Reads the process id of the server after every start. The pipe ends when this process ends; then the script kills the server and removes
// the directory.
const cleanupScript = `
while read -r line; do pid=$line; done
if [ "$pid" != none ]; then kill -9 "$pid" && sleep 0.2; fi
rm -rf "$0"
`;

export class ServerDirectory {
  readonly path: string;
  /** The configuration file. The server may rewrite it. */
  readonly configPath: string;
  readonly #renderConfig: (path: string) => string;
  readonly #cleanupProcess: ChildProcess;

  /** `renderConfig` returns the text of the configuration file for a directory. `name` is that of the server. */
  constructor(renderConfig: (path: string) => string, name = 'redis') {
    this.path = mkdtempSync(join(tmpdir(), `onceguard-${name}-`));
    this.configPath = join(this.path, `${name}.conf`);
    this.#renderConfig = renderConfig;
    this.#cleanupProcess = spawn('sh', ['-c', cleanupScript, this.path], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    // If somebody ends the cleanup process, the server keeps running without it.
    this.#cleanupProcess.stdin?.on('error', () => {});
    this.#cleanupProcess.on('error', () => {});
    this.#cleanupProcess.unref();
    this.setServerPid(null);
    this.#writeConfig();
  }

  /** Sets the process that the cleanup kills when this process ends; null: none. */
  setServerPid(pid: number | null): void {
    this.#cleanupProcess.stdin?.write(`${pid ?? 'none'}\n`);
  }

  /** Restores the state before the first start: only the configuration file. */
  reset(): void {
    rmSync(this.path, { recursive: true, force: true });
    mkdirSync(this.path);
    this.#writeConfig();
  }

  remove(): void {
    signalChild(this.#cleanupProcess, 'SIGKILL');
    rmSync(this.path, { recursive: true, force: true });
  }

  #writeConfig(): void {
    writeFileSync(this.configPath, this.#renderConfig(this.path));
  }
}
