// The steps of one attempt: what earlier attempts recorded, what is in doubt, and what this one does.
import { ConfigurationError, IdempotencyError, OutcomeUnknownError } from '../errors.js';
import type { Checkpoint } from '../protocol/messages.js';
import { isIntent, type StepEntry } from '../protocol/record.js';
import { decodeValue, encodeValue } from '../value-codec.js';

/** What a step's function is given. */
export interface StepContext {
  /** A UUIDv5 for the other system to recognise a repeat by: the same over attempts and processes, `deriveKey(name)`. */
  readonly key: string;
  /** The attempt that runs it. */
  readonly attempt: number;
  /** Aborts, with a `LeaseLostError`, when the lease is lost or over. Do not act any more then. */
  readonly signal: AbortSignal;
  /** Says, before it throws, that the step changed nothing anywhere: an `atMostOnce` step may then run again. */
  markNothingHappened(): void;
}

export interface StepOptions<T> {
  /** Record first that the step is about to run; if nothing more is known of it later, it is in doubt, and never repeated silently. */
  atMostOnce?: boolean;
  /** Checks what comes back from the record, which a version before may have written. A zod schema has `parse`. */
  resultSchema?: { parse(recorded: unknown): T };
}

/** How a step is written down, and whether this owner may still act. */
export interface StepRecorder {
  readonly attempt: number;
  readonly signal: AbortSignal;
  deriveKey(name: string): string;
  /** Throws a `LeaseLostError` where the lease is over, or the operation has ended. */
  assertLeaseValid(): void;
  /** Resolves when it is on record; rejects with a `LeaseLostError` where it can no longer be. */
  recordStep(point: Checkpoint): Promise<void>;
}

/** Records are read and written whole: a step is for an id, not for a file. */
const maxStepBytes = 1_048_576;
const maxSteps = 1_000;

const stepNamePattern = /^[\x21-\x7e]{1,128}$/;

/** The first byte of what is recorded: a result follows, or the step did not happen. An intent has no more to say. */
const resultMark = 'r'.charCodeAt(0);
const withdrawnMark = Buffer.from('w');
const intentMark = Buffer.from('i');

export class Steps {
  readonly #entries: Map<string, StepEntry>;
  readonly #startedNames = new Set<string>();

  constructor(
    private readonly recorder: StepRecorder,
    inherited: ReadonlyMap<string, StepEntry>,
  ) {
    this.#entries = new Map(inherited);
  }

  /** Steps of which nobody knows whether they happened. */
  get inDoubt(): readonly string[] {
    return [...this.#entries].filter(([, entry]) => isIntent(entry)).map(([name]) => name);
  }

  /** The results on record, by the names of their steps. */
  recordedResults(): ReadonlyMap<string, unknown> {
    const recorded = [...this.#entries].filter(([, { bytes }]) => bytes[0] === resultMark);
    return new Map(recorded.map(([name, entry]) => [name, decodeStepResult(name, entry)]));
  }

  /** Somebody found out: these happened, with these results; what else is in doubt did not, and may run. */
  async applyRecovery(happened: Readonly<Record<string, unknown>>): Promise<void> {
    for (const [name, result] of Object.entries(happened)) {
      assertStepName(name);
      if (this.#entries.get(name)?.bytes[0] !== resultMark) await this.#record(name, encodeStepResult(name, result));
    }
    for (const name of this.inDoubt) await this.#record(name, withdrawnMark);
  }

  async run<T>(
    name: string,
    fn: (context: StepContext) => T | Promise<T>,
    { atMostOnce = false, resultSchema }: StepOptions<T> = {},
  ): Promise<T> {
    this.#reserveName(name);
    this.recorder.assertLeaseValid();
    const held = this.#entries.get(name);
    if (held?.bytes[0] === resultMark) return applyResultSchema(name, decodeStepResult(name, held), resultSchema);
    if (held !== undefined && isIntent(held)) {
      throw new OutcomeUnknownError(
        null,
        null,
        `The step ${name} began in an earlier attempt and may have taken effect.`,
      );
    }
    if (atMostOnce) await this.#record(name, intentMark);
    const result = await this.#runFunction(name, fn, atMostOnce);
    await this.#record(name, result);
    return applyResultSchema(name, decodeValue(result.subarray(1)), resultSchema);
  }

  /** A name stands for one step: a second one under it would be given the first one's result. */
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

  async #runFunction<T>(
    name: string,
    fn: (context: StepContext) => T | Promise<T>,
    atMostOnce: boolean,
  ): Promise<Buffer> {
    const { attempt, signal } = this.recorder;
    let nothingHappened = false;
    const markNothingHappened = () => {
      nothingHappened = true;
    };
    try {
      const value = await fn({ key: this.recorder.deriveKey(name), attempt, signal, markNothingHappened });
      return encodeStepResult(name, value);
    } catch (thrown) {
      if (atMostOnce && nothingHappened) await this.#record(name, withdrawnMark);
      throw thrown;
    }
  }

  /** An intent takes the next odd number, everything else the next even one. */
  async #record(name: string, bytes: Buffer): Promise<void> {
    const next = (this.#entries.get(name)?.seq ?? 0) + 1;
    const isOdd = next % 2 === 1;
    const seq = isOdd === (bytes === intentMark) ? next : next + 1;
    await this.recorder.recordStep({ step: name, seq, bytes });
    this.#entries.set(name, { seq, bytes });
  }
}

function assertStepName(name: unknown): void {
  if (typeof name === 'string' && stepNamePattern.test(name)) return;
  const rule = 'it must be 1 to 128 printable ASCII characters without spaces';
  throw new ConfigurationError('step_invalid', `The name of a step is ${JSON.stringify(name)}; ${rule}.`);
}

function encodeStepResult(name: string, value: unknown): Buffer {
  try {
    const bytes = encodeValue(value);
    if (bytes.byteLength > maxStepBytes) throw new Error(`it has ${bytes.byteLength} bytes, more than ${maxStepBytes}`);
    return Buffer.concat([Buffer.of(resultMark), bytes]);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const remedy = 'Let it return plain data, such as an id';
    throw new IdempotencyError(
      'outcome_invalid',
      `The result of the step ${name} cannot be recorded: ${why}. ${remedy}.`,
      { cause },
    );
  }
}

function decodeStepResult(name: string, { bytes }: StepEntry): unknown {
  try {
    return decodeValue(bytes.subarray(1));
  } catch (cause) {
    throw new IdempotencyError('outcome_invalid', `The recorded result of the step ${name} cannot be read.`, { cause });
  }
}

function applyResultSchema<T>(name: string, value: unknown, schema: StepOptions<T>['resultSchema']): T {
  if (schema === undefined) return value as T;
  try {
    return schema.parse(value);
  } catch (cause) {
    const remedy = 'Let the schema accept what was recorded before, or give the step a new name';
    throw new IdempotencyError(
      'outcome_invalid',
      `The result of the step ${name} does not fit its schema. ${remedy}.`,
      {
        cause,
      },
    );
  }
}
