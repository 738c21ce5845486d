// The key and the scope of each message, and which messages have to be handled one after the other.
import { ConfigurationError } from '@onceguard/core';
import type { CheckedSqsOptions, SqsRecord } from './sqs-options.js';

/** A message and whose work it names. `error`: the options could not tell. */
export type KeyedRecord<Message> =
  | { readonly record: Message; readonly scope: string; readonly key: string }
  | { readonly record: Message; readonly error: unknown };

/** Never rejects. */
export async function readKeyOfRecord<Message extends SqsRecord>(
  record: Message,
  options: Pick<CheckedSqsOptions<Message>, 'scope' | 'key'>,
): Promise<KeyedRecord<Message>> {
  try {
    const scope = typeof options.scope === 'function' ? await options.scope(record) : options.scope;
    return { record, scope, key: requireKey(record, await options.key(record)) };
  } catch (error) {
    return { record, error };
  }
}

function requireKey({ messageId }: SqsRecord, key: unknown): string {
  if (typeof key === 'string' && key !== '') return key;
  const returned = key === '' ? 'an empty string' : `a value of type ${typeof key}`;
  throw new ConfigurationError(
    'key_invalid',
    `idempotentSqs(): key returned ${returned} for the message ${messageId}. It must return the id of the work, which the producer ` +
      'puts into the body or into a message attribute.',
  );
}

/** One sequence for all in their order, or one for each key. */
export function sequencesOf<Message>(
  keyedRecords: readonly KeyedRecord<Message>[],
  isInOrder: boolean,
): KeyedRecord<Message>[][] {
  if (isInOrder) return [[...keyedRecords]];
  const sequences = new Map<unknown, KeyedRecord<Message>[]>();
  for (const keyed of keyedRecords) {
    const name = 'error' in keyed ? keyed : JSON.stringify([keyed.scope, keyed.key]);
    const sequence = sequences.get(name) ?? [];
    sequences.set(name, sequence);
    sequence.push(keyed);
  }
  return [...sequences.values()];
}
