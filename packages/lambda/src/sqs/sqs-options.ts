// The options of `idempotentSqs()`.
import { ConfigurationError, type IdempotentOptions, makeIdempotent } from '@onceguard/core';

/** A message as Lambda passes it to the handler. `SQSRecord` of `@types/aws-lambda` fits. */
export interface SqsRecord {
  readonly messageId: string;
  readonly body: string;
  readonly eventSourceARN?: string;
}

/** The options of `makeIdempotent` for work without a result. Functions among them receive the record. */
export interface SqsOptions<Message extends SqsRecord = SqsRecord>
  extends Omit<IdempotentOptions<Message>, 'key' | 'fingerprint' | 'resultSchema' | 'maxOutcomeBytes'> {
  /**
   * Names the work that the message asks for, such as the id of the order. Never `messageId`, which differs when the producer sends the
   * message again. 1 to 1 024 characters.
   */
  key: (record: Message) => string | Promise<string>;
  /** What must be the same in every message with this key. Default: the body, as text. False compares nothing. */
  fingerprint?: false | ((record: Message) => unknown);
  /**
   * Whether messages are handled one after the other, and none after a failure, which keeps their order. Default: whether the name of the
   * queue ends in `.fifo`.
   */
  fifo?: boolean;
  /** How many messages of a batch are handled at the same time, unless `fifo`. 1 to 10 000. Default 10. */
  concurrency?: number;
  /** Called for every message that comes again, with the reason. Default: writes both to the log, by `console.error`. */
  onRecordFailed?: (record: Message, error: unknown) => void;
}

export interface CheckedSqsOptions<Message extends SqsRecord> extends SqsOptions<Message> {
  readonly fingerprint: false | ((record: Message) => unknown);
  readonly concurrency: number;
  readonly onRecordFailed: (record: Message, error: unknown) => void;
}

/** Throws a `ConfigurationError` that names every invalid option. */
export function checkSqsOptions<Message extends SqsRecord>(options: SqsOptions<Message>): CheckedSqsOptions<Message> {
  const { fifo, concurrency = 10, onRecordFailed = logFailure, ...work } = Object(options) as SqsOptions<Message>;
  requireOption('fifo', fifo, fifo === undefined || typeof fifo === 'boolean', 'true or false');
  const isCount = Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= 10_000;
  requireOption('concurrency', concurrency, isCount, 'a whole number of messages from 1 to 10000');
  requireOption(
    'onRecordFailed',
    onRecordFailed,
    typeof onRecordFailed === 'function',
    'a function of record and error',
  );
  // Every call has a lease of its own, so this function is not used: its options are checked when the handler is made.
  makeIdempotent<Message, void>(() => {}, work as IdempotentOptions<Message, void>);
  const { fingerprint = (record: Message) => record.body } = work;
  return { ...work, ...(fifo === undefined ? {} : { fifo }), fingerprint, concurrency, onRecordFailed };
}

function requireOption(name: string, value: unknown, isValid: boolean, rule: string): void {
  if (isValid) return;
  throw new ConfigurationError('option_invalid', `idempotentSqs(): ${name} is ${String(value)}; it must be ${rule}.`);
}

function logFailure({ messageId }: SqsRecord, error: unknown): void {
  console.error(`The SQS message ${messageId} was not handled and comes again:`, error);
}
