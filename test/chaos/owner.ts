// A process of owners, as the run sees it: started, paused, killed and started anew, and at last waited for.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { HistoryWriter } from './history.js';
import type { WorkerSettings } from './processes/worker.js';

const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const program = fileURLToPath(new URL('processes/worker.ts', import.meta.url));

/** What a process has to say while it runs. */
interface Progress {
  readonly made: number;
}

export class Owner {
  #child: ChildProcess;
  #name = '';
  #incarnations = 0;
  #isKilled = false;
  #madeBefore = 0;
  #made = 0;

  constructor(
    private readonly settings: WorkerSettings,
    private readonly history: HistoryWriter,
  ) {
    this.#child = this.#start();
    // One that is paused would not notice that its run is over.
    process.once('exit', () => this.#child.kill('SIGKILL'));
  }

  /** How many calls it has made. */
  get made(): number {
    return this.#madeBefore + this.#made;
  }

  /** As a crash, and a start after it. */
  async killAndRestart(): Promise<void> {
    if (this.#isOver()) return;
    this.#isKilled = true;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
    this.#tell('killed');
    this.#madeBefore += this.#made;
    this.#made = 0;
    this.#child = this.#start();
  }

  /** It sleeps, and does not know. */
  async pauseFor(ms: number): Promise<void> {
    if (this.#isOver()) return;
    this.#child.kill('SIGSTOP');
    this.#tell('paused');
    await pause(ms);
    this.#child.kill('SIGCONT');
    this.#tell('resumed');
  }

  /** Resolves when it has made all its calls and ended; after `withinMs` it counts as one that hangs, and is killed. */
  async ended(withinMs: number): Promise<void> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), withinMs);
    while (!this.#isOver()) await once(this.#child, 'exit');
    clearTimeout(timer);
    this.#tell(this.#child.exitCode === 0 ? 'ended' : 'died');
  }

  #start(): ChildProcess {
    this.#incarnations += 1;
    this.#isKilled = false;
    this.#name = `${this.settings.name}.${this.#incarnations}`;
    const settings: WorkerSettings = { ...this.settings, name: this.#name };
    const child = fork(program, [JSON.stringify(settings)], {
      execArgv: ['--import', tsx],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // That the default options are not safe is known here.
      env: { ...process.env, NODE_NO_WARNINGS: '1' },
    });
    child.on('message', ({ made }: Progress) => {
      this.#made = made;
    });
    this.#tell('started');
    return child;
  }

  #isOver(): boolean {
    return !this.#isKilled && (this.#child.exitCode !== null || this.#child.signalCode !== null);
  }

  #tell(what: 'started' | 'killed' | 'paused' | 'resumed' | 'ended' | 'died'): void {
    this.history.write({ kind: 'process', name: this.#name, what });
  }
}
