// A message of the outbox, from the arguments of `enqueue`.
import { ConfigurationError } from '../errors.js';
import type { OutboxMessage } from '../store/transaction-port.js';
import { deriveKeyFromRecordName } from './derived-key.js';
import type { EnqueueOptions } from './enqueue-options.js';

interface MessageParts {
  readonly recordName: string;
  /** Tells the messages of a topic apart: which step, which number. */
  readonly part: string;
  readonly topic: string;
  readonly payload: string | Uint8Array;
  readonly options: EnqueueOptions | undefined;
}

const maxNameLength = 255;

/** Throws a `ConfigurationError` (`argument_invalid`) for arguments that no message can have. */
export function createMessage({ recordName, part, topic, payload, options }: MessageParts): OutboxMessage {
  assertName('topic', topic);
  const orderingKey = options?.orderingKey ?? recordName;
  assertName('orderingKey', orderingKey);
  if (typeof payload !== 'string' && !(payload instanceof Uint8Array)) {
    const remedy = 'it must be text or bytes, such as JSON.stringify(message)';
    throw new ConfigurationError('argument_invalid', `enqueue(): payload is of type ${typeof payload}; ${remedy}.`);
  }
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  const id = deriveKeyFromRecordName(recordName, `onceguard outbox 1 ${part} ${topic}`);
  return { id, record: recordName, topic, payload: bytes, orderingKey };
}

function assertName(what: string, value: unknown): asserts value is string {
  if (typeof value === 'string' && value.length > 0 && value.length <= maxNameLength && !value.includes('\0')) return;
  const shown = typeof value === 'string' ? `${value.length} characters long` : `of type ${typeof value}`;
  const rule = `it must be 1 to ${maxNameLength} characters without NUL`;
  throw new ConfigurationError('argument_invalid', `enqueue(): ${what} is ${shown}; ${rule}.`);
}
