// A host as Lambda is one: one process for each sandbox, frozen between two invocations, and killed at the time limit.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'vitest';
import { compiledProgram } from '../support/programs.js';
import type { InvocationMessage, SandboxSettings } from './processes/lambda-sandbox.js';

const program = new URL('processes/lambda-sandbox.ts', import.meta.url);

export const timedOut = 'timed out';

export interface HttpResult {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Each message that a sandbox sends: it is ready, its handler waits, or the invocation has ended. */
type SandboxMessage = { ready: true } | { waiting: true } | { result: unknown } | { error: string };

export class LambdaSandbox {
  #process: ChildProcess | null = null;
  #invocation: Promise<unknown> = Promise.resolve();

  constructor(private readonly settings: SandboxSettings) {}

  /**
   * Thaws the process, or starts one, and resolves with the result of the handler, or with `timedOut`. Rejects with its error. The
   * process is frozen when this resolves.
   */
  async invoke(event: object, limitMs = 10_000): Promise<unknown> {
    const process = await this.#thaw();
    process.send({ event, limitMs } satisfies InvocationMessage);
    this.#invocation = this.#untilEnd(process, limitMs);
    return await this.#invocation;
  }

  async invokeHttp(event: object, limitMs?: number): Promise<HttpResult> {
    const result = await this.invoke(event, limitMs);
    expect(result).toMatchObject({ statusCode: expect.any(Number) });
    return result as HttpResult;
  }

  /** Starts the process in advance, so that the time of the start counts to no invocation. */
  async start(): Promise<void> {
    await this.#thaw();
  }

  /** Resolves when the handler waits. */
  async untilWaiting(): Promise<void> {
    if (this.#process === null) throw new Error('Nothing runs.');
    for (let message = {}; !('waiting' in message); ) [message] = await once(this.#process, 'message');
  }

  /** Lets the handler that waits respond. */
  finish(): void {
    this.#process?.send({ finish: true });
  }

  /** Lets the process run for a while, as during another invocation. */
  async runFor(ms: number): Promise<void> {
    const process = await this.#thaw();
    await new Promise((resolve) => setTimeout(resolve, ms));
    process.kill('SIGSTOP');
  }

  async close(): Promise<void> {
    const process = this.#process;
    this.#process = null;
    if (process === null || process.exitCode !== null || process.signalCode !== null) return;
    process.kill('SIGKILL');
    await once(process, 'exit');
  }

  async #thaw(): Promise<ChildProcess> {
    if (this.#process === null) {
      const execArgv = ['--disable-warning=OnceguardWarning', '--disable-warning=UnsupportedWarning'];
      const started = fork(await compiledProgram(program), [JSON.stringify(this.settings)], {
        execArgv,
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      this.#process = started;
      await once(started, 'message');
    }
    this.#process.kill('SIGCONT');
    return this.#process;
  }

  async #untilEnd(process: ChildProcess, limitMs: number): Promise<unknown> {
    const limit = setTimeout(() => process.kill('SIGKILL'), limitMs);
    // A process serves many invocations: none leaves its listeners.
    const over = new AbortController();
    const { signal } = over;
    const gone = once(process, 'exit', { signal }).then(
      () => null,
      () => null,
    );
    try {
      for (;;) {
        const received = await Promise.race([once(process, 'message', { signal }), gone]);
        if (received === null) {
          this.#process = null;
          return timedOut;
        }
        const [message] = received as [SandboxMessage];
        if (!('result' in message) && !('error' in message)) continue;
        process.kill('SIGSTOP');
        if ('error' in message) throw new Error(message.error);
        return message.result;
      }
    } finally {
      clearTimeout(limit);
      over.abort();
    }
  }
}
