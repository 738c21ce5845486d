// The fingerprint of a function's payload: two calls under one key must have the same.
import { digest } from '../digest.js';
import { ConfigurationError } from '../errors.js';
import { encodeValue, UnencodableValueError } from '../value-codec.js';

/** The prefix of the fingerprints of functions. Those of requests have another one. */
export const functionFingerprintPrefix = 'f1:';

/** Throws a `ConfigurationError` (`argument_invalid`) for a payload that is not plain data. */
export function fingerprintPayload(payload: unknown): string {
  try {
    return `${functionFingerprintPrefix}${digest([encodeValue(payload, { sorted: true })])}`;
  } catch (error) {
    if (!(error instanceof UnencodableValueError)) throw error;
    const remedy = 'Let the option fingerprint give plain data that stands for it.';
    throw new ConfigurationError('argument_invalid', `This payload cannot be compared: ${error.message}. ${remedy}`);
  }
}
