// The steps of one attempt: what earlier attempts recorded, what is in doubt, and what this attempt does.
import { ConfigurationError, OutcomeUnknownError } from '../errors.js';
import { isIntent, type StepEntry } from '../protocol/record.js';
import type { TransactionPort } from '../store/transaction-port.js';
import { applyResultSchema } from './result-schema.js';
import { decodeStepResult, encodeStepResult, hasResult, intentMark, withdrawnMark } from './step-codec.js';
import { type CheckedStepOptions, checkStepOptions, type StepContext, type StepOptions } from './step-options.js';
import type { StepRecorder } from './step-recorder.js';
import { runTries } from './step-tries.js';
import { assertNoRecordNeeded } from './transaction-errors.js';

const maxSteps = 1_000;

const stepNamePattern = /^[\x21-\x7e]{1,128}$/;

export class Steps {
  readonly #entries: Map<string, StepEntry>;
  readonly #startedNames = new Set<string>();

  constructor(
    private readonly recorder: StepRecorder,
    inherited: ReadonlyMap<string, StepEntry>,
  ) {
    this.#entries = new Map(inherited);
  }

  /** The steps that began and whose end is not known. */
  get inDoubt(): readonly string[] {
    return [...this.#entries].filter(([, entry]) => isIntent(entry)).map(([name]) => name);
  }

  /** The results on record, by the names of their steps. */
  recordedResults(): ReadonlyMap<string, unknown> {
    const recorded = [...this.#entries].filter(([, entry]) => hasResult(entry));
    return new Map(recorded.map(([name, { bytes }]) => [name, decodeStepResult(name, bytes)]));
  }

  /**
   * Records what a `recover` function found out. The steps in `happened` happened, with these results. Every other step in doubt
   * did not happen, and may run.
   */
  async applyRecovery(happened: Readonly<Record<string, unknown>>): Promise<void> {
    for (const [name, result] of Object.entries(happened)) {
      assertStepName(name);
      if (!hasResult(this.#entries.get(name))) await this.#record(name, encodeStepResult(name, result));
    }
    for (const name of this.inDoubt) await this.#record(name, withdrawnMark);
  }

  /** `step()` of the operation's context, which documents it. */
  async run<T>(name: string, fn: (context: StepContext) => T | Promise<T>, options?: StepOptions<T>): Promise<T> {
    this.#reserveName(name);
    const checked = checkStepOptions(name, options);
    if (this.recorder.inTransaction === true) assertNoRecordNeeded(name, checked);
    this.recorder.assertLeaseValid();
    const recorded = this.#entries.get(name);
    if (hasResult(recorded)) {
      return decodeForCaller(name, recorded.bytes, options);
    }
    if (recorded !== undefined && isIntent(recorded)) {
      throw new OutcomeUnknownError(
        null,
        null,
        `The step ${name} began in an earlier attempt and may have taken effect.`,
      );
    }
    const bytes = await this.#runAndRecord(name, fn, checked, options?.retryable);
    return decodeForCaller(name, bytes, options);
  }

  /** Refuses a name that this attempt has used: a second step of that name would be given the first one's result. */
  #reserveName(name: string): void {
    assertStepName(name);
    if (this.#startedNames.has(name)) {
      const remedy = `Give each step a name of its own, such as ${name}-2`;
      throw new ConfigurationError(
        'step_invalid',
        `The step ${name} has been begun in this attempt already. ${remedy}.`,
      );
    }
    const known = Math.max(this.#startedNames.size, this.#entries.size);
    if (known >= maxSteps && !this.#entries.has(name)) {
      throw new ConfigurationError('step_invalid', `There are ${maxSteps} steps on this record, and no more are kept.`);
    }
    this.#startedNames.add(name);
  }

  async #runAndRecord<T>(
    name: string,
    fn: (context: StepContext) => T | Promise<T>,
    options: CheckedStepOptions,
    retryable: StepOptions<T>['retryable'],
  ): Promise<Buffer> {
    if (options.transaction !== undefined)
      return await this.#runInTransaction(name, fn, options.transaction, options, retryable);
    const bytes = await this.#runFunction(name, fn, options, retryable);
    await this.#record(name, bytes);
    return bytes;
  }

  /** Each try is a transaction of its own, which has the record of the step. */
  async #runInTransaction<T>(
    name: string,
    fn: (context: StepContext) => T | Promise<T>,
    port: TransactionPort,
    options: CheckedStepOptions,
    retryable: StepOptions<T>['retryable'],
  ): Promise<Buffer> {
    const seq = this.#nextSeq(name, false);
    const run = async (context: StepContext) => encodeStepResult(name, await fn(context));
    const runTry = (context: StepContext) => this.recorder.runStepTransaction(port, { name, seq, context, run });
    const end = await runTries(this.recorder, name, runTry, options, retryable);
    if (end.kind === 'failed') throw end.error;
    this.#entries.set(name, { seq, bytes: end.value });
    return end.value;
  }

  /** Calls the function, in up to `retries` + 1 tries, and encodes its result. */
  async #runFunction<T>(
    name: string,
    fn: (context: StepContext) => T | Promise<T>,
    options: CheckedStepOptions,
    retryable: StepOptions<T>['retryable'],
  ): Promise<Buffer> {
    const { atMostOnce } = options;
    if (atMostOnce) await this.#record(name, intentMark);
    const end = await runTries(this.recorder, name, fn, options, retryable);
    try {
      if (end.kind === 'failed') throw end.error;
      return encodeStepResult(name, end.value);
    } catch (thrown) {
      if (atMostOnce && end.nothingHappened) await this.#record(name, withdrawnMark);
      throw thrown;
    }
  }

  async #record(name: string, bytes: Buffer): Promise<void> {
    const seq = this.#nextSeq(name, bytes === intentMark);
    await this.recorder.recordStep({ step: name, seq, bytes });
    this.#entries.set(name, { seq, bytes });
  }

  /** The sequence number of an intent is odd, every other one is even. The next number of its kind supersedes the one before. */
  #nextSeq(name: string, isForIntent: boolean): number {
    const next = (this.#entries.get(name)?.seq ?? 0) + 1;
    return (next % 2 === 1) === isForIntent ? next : next + 1;
  }
}

function decodeForCaller<T>(name: string, bytes: Uint8Array, options: StepOptions<T> | undefined): T {
  const result = decodeStepResult(name, bytes);
  if (options?.resultSchema === undefined) return result as T;
  const remedy = 'Let the schema accept what was recorded before, or give the step a new name';
  return applyResultSchema(result, options.resultSchema, `The result of the step ${name}`, remedy);
}

function assertStepName(name: unknown): void {
  if (typeof name === 'string' && stepNamePattern.test(name)) return;
  const rule = 'it must be 1 to 128 printable ASCII characters without spaces';
  throw new ConfigurationError('step_invalid', `The name of a step is ${JSON.stringify(name)}; ${rule}.`);
}
