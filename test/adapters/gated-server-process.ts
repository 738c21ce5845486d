// A gated server in its own process: tests learn when its handlers begin, and kill, pause or finish them.
import { EventEmitter, once } from 'node:events';
import { type ChildProgram, startChild } from './child-process.js';
import type { Began, Finish, Listening, Settings } from './processes/gated-server.js';

export interface ServerProcess {
  readonly pid: number;
  readonly ports: readonly number[];
  /** Resolves when the handler of this key has begun. */
  began(key: string): Promise<Began>;
  /** How many handlers have begun with this key. */
  runs(key: string): number;
  /** Lets the handler of this key respond. */
  finish(key: string): void;
  pause(): void;
  resume(): void;
  kill(): Promise<void>;
}

export async function startServerProcess(settings: Settings): Promise<ServerProcess> {
  const child: ChildProgram<Listening> = await startChild('gated-server.ts', settings);
  const all: Began[] = [];
  // A listener for each key whose handler has not begun.
  const messages = new EventEmitter().setMaxListeners(0);
  child.process.on('message', (began: Began) => {
    all.push(began);
    messages.emit(began.key, began);
  });
  return {
    pid: child.pid,
    ports: child.firstMessage.ports,
    began: async (key) => {
      const known = all.find((began) => began.key === key);
      if (known !== undefined) return known;
      const [began] = await once(messages, key);
      return began;
    },
    runs: (key) => all.filter((began) => began.key === key).length,
    finish: (key) => void child.process.send({ finish: key } satisfies Finish),
    pause: () => void child.process.kill('SIGSTOP'),
    resume: () => void child.process.kill('SIGCONT'),
    kill: child.kill,
  };
}
