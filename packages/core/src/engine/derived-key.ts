// Keys that the parts of the work pass on to other systems.
import { v5 as uuidv5 } from 'uuid';
import { ConfigurationError } from '../errors.js';

/** The UUIDv5 namespace of derived keys. It is on record in other systems: it never changes. */
const derivedKeyNamespace = '5b1f6b52-6a0e-5c1c-9d7b-0f3f6d6f3a1e';

/**
 * Returns what `context.deriveKey(name)` returns in the work of this record: a UUIDv5 (RFC 9562). Use it where only the record's name
 * is known, from an event or from `listDoubts`.
 *
 * It is a digest without a secret. It does not reveal a key that cannot be guessed; whoever guesses the key can compute it.
 *
 * @param recordName the record's name at the store, as events show it
 * @param name the part of the work that the key is for: well-formed text
 * @throws ConfigurationError (`argument_invalid`) where `name` is not well-formed text
 *
 * @example
 * const doubtful = deriveKeyFromRecordName(doubt.recordName, 'charge');
 * const charge = await provider.findByIdempotencyKey(doubtful);
 */
export function deriveKeyFromRecordName(recordName: string, name: string): string {
  try {
    return uuidv5(name, uuidv5(recordName, derivedKeyNamespace));
  } catch (cause) {
    const rule = 'it must be well-formed text';
    throw new ConfigurationError('argument_invalid', `The name of a derived key is not valid; ${rule}.`, { cause });
  }
}
