// Servers that tests start as separate processes, to kill them or to observe them alone.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { compiledProgram } from '../support/programs.js';

export interface ChildProgram<Told> {
  readonly pid: number;
  /** For further messages, and signals. */
  readonly process: ChildProcess;
  /** The first message of the program. */
  readonly firstMessage: Told;
  /** Kills it, as a crash would, and waits for its exit. */
  kill(): Promise<void>;
}

/**
 * Runs a program of `processes/` with one argument, as JSON, and resolves with its first message. It is compiled
 * first. `env` adds to the environment.
 */
export async function startChild<Told>(
  program: string,
  settings: object,
  env: Record<string, string> = {},
): Promise<ChildProgram<Told>> {
  const file = new URL(`processes/${program}`, import.meta.url);
  const child = fork(await compiledProgram(file), [JSON.stringify(settings)], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, ...env },
  });
  const gone = once(child, 'exit');
  const first = await Promise.race([once(child, 'message'), gone.then(() => null)]);
  if (first === null) throw new Error(`${program} ended before its first message: ${child.exitCode}`);
  return {
    pid: child.pid ?? 0,
    process: child,
    firstMessage: first[0] as Told,
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}
