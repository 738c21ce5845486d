// The steps of one attempt: what earlier attempts recorded, what is in doubt, and what this one does.
import { ConfigurationError, IdempotencyError, OutcomeUnknownError } from '../errors.js';
import type { Checkpoint } from '../protocol/messages.js';
import { isIntent, type StepEntry } from '../protocol/record.js';
import { decodeValue, encodeValue } from '../value.js';

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
  schema?: { parse(recorded: unknown): T };
}

/** How a step is written down, and whether this owner may still act. */
export interface StepLedger {
  readonly attempt: number;
  readonly signal: AbortSignal;
  deriveKey(name: string): string;
  /** Throws a `LeaseLostError` where the lease is over, or the operation has ended. */
  mustHold(): void;
  /** Resolves when it is on record; rejects with a `LeaseLostError` where it can no longer be. */
  record(point: Checkpoint): Promise<void>;
}

/** Records are read and written whole: a step is for an id, not for a file. */
const maxStepBytes = 1_048_576;
const maxSteps = 1_000;

const namePattern = /^[\x21-\x7e]{1,128}$/;

/** The first byte of what is recorded: a result follows, or the step did not happen. An intent has no more to say. */
const resultMark = 'r'.charCodeAt(0);
const withdrawn = Buffer.from('w');
const intended = Buffer.from('i');

export class Steps {
  readonly #entries: Map<string, StepEntry>;
  readonly #begun = new Set<string>();

  constructor(
    private readonly ledger: StepLedger,
    inherited: ReadonlyMap<string, StepEntry>,
  ) {
    this.#entries = new Map(inherited);
  }

  /** Steps of which nobody knows whether they happened. */
  get inDoubt(): readonly string[] {
    return [...this.#entries].filter(([, entry]) => isIntent(entry)).map(([name]) => name);
  }

  /** The results on record, by the names of their steps. */
  results(): ReadonlyMap<string, unknown> {
    const recorded = [...this.#entries].filter(([, { bytes }]) => bytes[0] === resultMark);
    return new Map(recorded.map(([name, entry]) => [name, resultIn(name, entry)]));
  }

  /** Somebody found out: these happened, with these results; what else is in doubt did not, and may run. */
  async settle(happened: Readonly<Record<string, unknown>>): Promise<void> {
    for (const [name, result] of Object.entries(happened)) {
      mustBeName(name);
      if (this.#entries.get(name)?.bytes[0] !== resultMark) await this.#write(name, encoded(name, result));
    }
    for (const name of this.inDoubt) await this.#write(name, withdrawn);
  }

  async run<T>(
    name: string,
    fn: (context: StepContext) => T | Promise<T>,
    { atMostOnce = false, schema }: StepOptions<T> = {},
  ): Promise<T> {
    this.#begin(name);
    this.ledger.mustHold();
    const held = this.#entries.get(name);
    if (held?.bytes[0] === resultMark) return checked(name, resultIn(name, held), schema);
    if (held !== undefined && isIntent(held)) {
      throw new OutcomeUnknownError(
        null,
        null,
        `The step ${name} began in an earlier attempt and may have taken effect.`,
      );
    }
    if (atMostOnce) await this.#write(name, intended);
    const result = await this.#act(name, fn, atMostOnce);
    await this.#write(name, result);
    return checked(name, decodeValue(result.subarray(1)), schema);
  }

  /** A name stands for one step: a second one under it would be given the first one's result. */
  #begin(name: string): void {
    mustBeName(name);
    if (this.#begun.has(name)) {
      const remedy = `Give each step a name of its own, such as ${name}-2`;
      throw new ConfigurationError(
        'step_invalid',
        `The step ${name} has been begun in this attempt already. ${remedy}.`,
      );
    }
    const known = Math.max(this.#begun.size, this.#entries.size);
    if (known >= maxSteps && !this.#entries.has(name)) {
      throw new ConfigurationError('step_invalid', `There are ${maxSteps} steps on this record, and no more are kept.`);
    }
    this.#begun.add(name);
  }

  async #act<T>(name: string, fn: (context: StepContext) => T | Promise<T>, atMostOnce: boolean): Promise<Buffer> {
    const { attempt, signal } = this.ledger;
    let nothingHappened = false;
    const markNothingHappened = () => {
      nothingHappened = true;
    };
    try {
      const value = await fn({ key: this.ledger.deriveKey(name), attempt, signal, markNothingHappened });
      return encoded(name, value);
    } catch (thrown) {
      if (atMostOnce && nothingHappened) await this.#write(name, withdrawn);
      throw thrown;
    }
  }

  /** An intent takes the next odd number, everything else the next even one. */
  async #write(name: string, bytes: Buffer): Promise<void> {
    const next = (this.#entries.get(name)?.seq ?? 0) + 1;
    const isOdd = next % 2 === 1;
    const seq = isOdd === (bytes === intended) ? next : next + 1;
    await this.ledger.record({ step: name, seq, bytes });
    this.#entries.set(name, { seq, bytes });
  }
}

function mustBeName(name: unknown): void {
  if (typeof name === 'string' && namePattern.test(name)) return;
  const rule = 'it must be 1 to 128 printable ASCII characters without spaces';
  throw new ConfigurationError('step_invalid', `The name of a step is ${JSON.stringify(name)}; ${rule}.`);
}

function encoded(name: string, value: unknown): Buffer {
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

function resultIn(name: string, { bytes }: StepEntry): unknown {
  try {
    return decodeValue(bytes.subarray(1));
  } catch (cause) {
    throw new IdempotencyError('outcome_invalid', `The recorded result of the step ${name} cannot be read.`, { cause });
  }
}

function checked<T>(name: string, value: unknown, schema: StepOptions<T>['schema']): T {
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
