// A storm of redeliveries: what is told of it, and its workers, which are killed again and again, each followed by another.
import { once } from 'node:events';
import type { Job } from 'bullmq';
import { type ChildProgram, startChild } from '../adapters/child-process.js';

/** Before the effect of a run, after it, or when its outcome is on record and BullMQ has not been told. */
export type KillMoment = 'before' | 'after' | 'recorded';

export interface StormWorkerSettings {
  /** The module that its worker comes from. */
  readonly bullmq: 'bullmq' | 'bullmq5';
  readonly url: string;
  /** What the process calls itself. */
  readonly name: string;
  /** The keys in whose first run it dies, and when. */
  readonly deaths: Readonly<Record<string, KillMoment>>;
  readonly leaseMs: number;
}

export interface StormOutcome {
  readonly key: string;
  readonly run: number;
}

export type StormJob = Job<{ readonly key: string }, StormOutcome | undefined>;

/** Where Redis counts the runs of a key. */
export const runCountKey = (key: string): string => `runs:${key}`;

/** Where Redis has what happened to a key, in order: `run` and the worker's name, or `told`: a delivery got the outcome. */
export const eventLogKey = (key: string): string => `story:${key}`;

/** What no story may have: a run after somebody was told, or after one whose worker was not killed. */
export function unjustifiedRuns(story: readonly string[], killed: ReadonlySet<string>): string[] {
  return story.filter((event, at) => {
    const before = story.slice(0, at);
    const lastRun = before.filter((earlier) => earlier.startsWith('run ')).at(-1);
    if (!event.startsWith('run ') || before.length === 0) return false;
    return before.includes('told') || lastRun === undefined || !killed.has(lastRun.slice('run '.length));
  });
}

export class WorkerFleet {
  /** The names of those that were killed before the end. */
  readonly killed = new Set<string>();
  readonly #workerSlots: Promise<void>[];
  readonly #runningWorkers = new Set<ChildProgram<unknown>>();
  #started = 0;
  #stopped = false;

  constructor(
    size: number,
    private readonly settings: Omit<StormWorkerSettings, 'name'>,
  ) {
    this.#workerSlots = Array.from({ length: size }, () => this.#runWorkerSlot());
  }

  /** Kills all of them, and resolves when they are gone. Rejects where one ended in another way than by being killed. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#runningWorkers].map((child) => child.kill()));
    await Promise.all(this.#workerSlots);
  }

  /** One worker after the other. */
  async #runWorkerSlot(): Promise<void> {
    while (!this.#stopped) {
      this.#started += 1;
      const name = `worker-${this.#started}`;
      const child = await startChild('../../bullmq/processes/storm-worker.mjs', { ...this.settings, name });
      this.#runningWorkers.add(child);
      if (this.#stopped) await child.kill();
      else await untilKilled(child);
      this.#runningWorkers.delete(child);
      if (!this.#stopped) this.killed.add(name);
    }
  }
}

async function untilKilled({ process }: ChildProgram<unknown>): Promise<void> {
  if (process.exitCode === null && process.signalCode === null) await once(process, 'exit');
  if (process.signalCode !== 'SIGKILL')
    throw new Error(`A worker ended with ${process.exitCode ?? process.signalCode}.`);
}
