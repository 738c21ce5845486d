// Servers that tests start as separate processes, to kill them or to observe them alone.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

export interface ChildProgram<Told> {
  readonly pid: number;
  /** For further messages, and signals. */
  readonly process: ChildProcess;
  /** The first message of the program. */
  readonly firstMessage: Told;
  /** Kills it, as a crash would, and waits for its exit. */
  kill(): Promise<void>;
}

const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

/**
 * Runs a program of `processes/` with one argument, as JSON, and resolves with its first message. TypeScript is run by
 * tsx.
 */
export async function startChild<Told>(program: string, settings: object): Promise<ChildProgram<Told>> {
  const file = fileURLToPath(new URL(`processes/${program}`, import.meta.url));
  const execArgv = program.endsWith('.ts') ? ['--import', tsx] : [];
  const child = fork(file, [JSON.stringify(settings)], { execArgv, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
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
