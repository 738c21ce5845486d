// A child process that replies to requests, one at a time.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const replyLimitMs = 180_000;

export class ChildProcessClient {
  readonly #process: ChildProcess;
  readonly #name: string;

  constructor(name: 'server' | 'load-generator', args: readonly string[]) {
    this.#name = name;
    const program = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
    // Without this a compared package would log each request, which is not to be measured.
    const env = { ...process.env, NODE_ENV: 'production' };
    this.#process = fork(program, args, { env, execArgv: [...process.execArgv, '--expose-gc'] });
  }

  /** Resolves with its first message, when it is ready. */
  async ready<Ready>(): Promise<Ready> {
    return await this.#nextReply<Ready>();
  }

  async request<Reply>(request: object): Promise<Reply> {
    this.#process.send(request);
    return await this.#nextReply<Reply>();
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await gone;
  }

  async #nextReply<Reply>(): Promise<Reply> {
    const ending = new AbortController();
    const { signal } = ending;
    const late = setTimeout(() => ending.abort(new Error(`${this.#name} did not reply`)), replyLimitMs);
    try {
      const replied = once(this.#process, 'message', { signal }).then(([reply]) => reply as Reply);
      const died = once(this.#process, 'exit', { signal }).then(([code, by]) => {
        throw new Error(`${this.#name} ended with ${code ?? by}`);
      });
      died.catch(() => undefined);
      const reply = await Promise.race([replied, died]);
      if (typeof reply === 'object' && reply !== null && 'failure' in reply) throw new Error(`${reply.failure}`);
      return reply;
    } finally {
      clearTimeout(late);
      ending.abort();
    }
  }
}

/** For the child, first of all: it exits when its parent does, however that ends. */
export function endWithParent(): void {
  process.on('disconnect', () => process.exit());
  if (!process.connected) process.exit();
  // The terminal sends Ctrl-C to all processes; the parent ends its children in order.
  process.on('SIGINT', () => {});
}

/** For the child: replies to each request, also with the error if it failed. */
export function serveRequests<Request>(handle: (request: Request) => object | Promise<object>): void {
  process.on('message', (request: Request) => {
    void Promise.resolve(request)
      .then(handle)
      .catch((error: unknown) => ({ failure: error instanceof Error ? error.message : String(error) }))
      .then((reply) => process.send?.(reply));
  });
}
