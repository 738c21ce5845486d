// Controls one process of owners: starts, pauses, kills and restarts it, and waits for its end.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { compiledProgram } from '../support/programs.js';
import type { HistoryWriter } from './history.js';
import type { OwnerSettings } from './processes/owner.js';

const program = new URL('processes/owner.ts', import.meta.url);

/** The message that a process sends while it runs. */
interface OwnerProgress {
  readonly callsMade: number;
}

export class OwnerProcess {
  #child: ChildProcess;
  #name = '';
  #incarnations = 0;
  #isKilled = false;
  #callsMadeBefore = 0;
  #callsMade = 0;

  private constructor(
    private readonly program: string,
    private readonly settings: OwnerSettings,
    private readonly history: HistoryWriter,
  ) {
    this.#child = this.#start();
    // A paused process would not notice the end of its run.
    process.once('exit', () => this.#child.kill('SIGKILL'));
  }

  static async start(settings: OwnerSettings, history: HistoryWriter): Promise<OwnerProcess> {
    return new OwnerProcess(await compiledProgram(program), settings, history);
  }

  /** How many calls the process has made, over all restarts. */
  get callsMade(): number {
    return this.#callsMadeBefore + this.#callsMade;
  }

  /** Kills the process, as a crash would, and starts it again. */
  async killAndRestart(): Promise<void> {
    if (this.#isOver()) return;
    this.#isKilled = true;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
    this.#writeEvent('killed');
    this.#callsMadeBefore += this.#callsMade;
    this.#callsMade = 0;
    this.#child = this.#start();
  }

  /** Stops the process with SIGSTOP for this time. */
  async pauseFor(ms: number): Promise<void> {
    if (this.#isOver()) return;
    this.#child.kill('SIGSTOP');
    this.#writeEvent('paused');
    await pause(ms);
    this.#child.kill('SIGCONT');
    this.#writeEvent('resumed');
  }

  /** Resolves when the process has made all its calls and ended. Kills it after `limitMs`, because it hangs. */
  async untilEnded(limitMs: number): Promise<void> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), limitMs);
    while (!this.#isOver()) await once(this.#child, 'exit');
    clearTimeout(timer);
    this.#writeEvent(this.#child.exitCode === 0 ? 'ended' : 'died');
  }

  #start(): ChildProcess {
    this.#incarnations += 1;
    this.#isKilled = false;
    this.#name = `${this.settings.name}.${this.#incarnations}`;
    const settings: OwnerSettings = { ...this.settings, name: this.#name };
    const child = fork(this.program, [JSON.stringify(settings)], {
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // Suppresses the warning about clients with default options, which this run uses on purpose.
      env: { ...process.env, NODE_NO_WARNINGS: '1' },
    });
    child.on('message', ({ callsMade }: OwnerProgress) => {
      this.#callsMade = callsMade;
    });
    this.#writeEvent('started');
    return child;
  }

  #isOver(): boolean {
    return !this.#isKilled && (this.#child.exitCode !== null || this.#child.signalCode !== null);
  }

  #writeEvent(what: 'started' | 'killed' | 'paused' | 'resumed' | 'ended' | 'died'): void {
    this.history.write({ kind: 'process', name: this.#name, what });
  }
}
