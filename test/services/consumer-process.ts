// Consumers in separate processes, which tests kill, and the effects that the work of all of them has left.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Redis } from 'ioredis';
import { vi } from 'vitest';
import { compiledProgram } from '../support/programs.js';
import type { ConsumerMessage, ConsumerSettings } from './processes/consumer.js';

export interface ConsumerProcess {
  /** What happened to its deliveries so far. */
  readonly decisions: readonly string[];
  /** Resolves when it halts. */
  untilHeld(): Promise<void>;
  /** Kills it, as a crash would. */
  kill(): Promise<void>;
  /** Lets it finish the current jobs. */
  stop(): Promise<void>;
}

const program = new URL('processes/consumer.ts', import.meta.url);

/** Resolves when it consumes. */
export async function startConsumer(settings: ConsumerSettings): Promise<ConsumerProcess> {
  const child = fork(await compiledProgram(program), [JSON.stringify(settings)], {
    execArgv: ['--disable-warning=OnceguardWarning'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  const messages: ConsumerMessage[] = [];
  child.on('message', (message: ConsumerMessage) => messages.push(message));
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await exited;
  };
  const untilMessage = async (kind: 'ready' | 'held') => {
    const check = () => {
      if (!messages.some((message) => kind in message)) throw new Error(`The consumer has not sent ${kind}.`);
    };
    await vi.waitFor(check, { timeout: 30_000, interval: 20 });
  };
  await untilMessage('ready');
  return {
    get decisions() {
      return messages.flatMap((message) => ('decided' in message ? [message.decided] : []));
    },
    untilHeld: async () => await untilMessage('held'),
    kill: async () => await end('SIGKILL'),
    stop: async () => await end('SIGTERM'),
  };
}

export interface WorkTraces {
  /** How often its work began. */
  readonly runs: number;
  /** How many charges a system that honours keys has made. */
  readonly charges: number;
  /** How often the label was printed; no key protects it. */
  readonly labels: number;
}

export async function tracesOf(redis: Redis, prefix: string, id: string): Promise<WorkTraces> {
  return {
    runs: Number(await redis.hget(`${prefix}runs`, id)),
    charges: await redis.scard(`${prefix}charges:${id}`),
    labels: Number(await redis.hget(`${prefix}labels`, id)),
  };
}
