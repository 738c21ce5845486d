// How this package sends signals to the processes that it started.
import type { ChildProcess } from 'node:child_process';

/**
 * Sends a signal to a child process, unless it has ended or could not be started. `child.kill()` itself sends the signal of a child that
 * could not be started to process 0: to the whole process group of this process.
 */
export function signalChild(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid !== undefined) child.kill(signal);
}
