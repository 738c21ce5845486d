// The fingerprint of a request: a digest of what must be the same in every repeat, with the version of the rules that made it.
import { isUint8Array } from 'node:util/types';
import { digest } from '../digest.js';
import { IdempotencyError } from '../errors.js';
import type { ComparableBody } from './comparable-body.js';

/** The version of fingerprints by method, target and body. */
export const defaultFingerprintVersion = 'v1';
/** The version of fingerprints by the application's own function, unless the option names another one. */
export const customFingerprintVersion = 'c1';

export interface FingerprintInput {
  readonly method: string;
  /** Path and query, as `splitTarget` returns them. */
  readonly path: string;
  readonly query: string;
  readonly body: ComparableBody;
}

/** `v1:` and 43 characters: equal for two sends of one request, different where any part of it differs. */
export function fingerprintRequest({ method, path, query, body }: FingerprintInput): string {
  const parts = ['onceguard fingerprint 1', method, path, query, body.mediaType, body.kind, body.content];
  return `${defaultFingerprintVersion}:${digest(parts)}`;
}

/**
 * The version and 43 characters, from the value that the application compares. Throws an `IdempotencyError` (`option_invalid`) for a value
 * that is neither a string nor bytes.
 */
export function fingerprintCustomValue(version: string, value: unknown): string {
  if (typeof value === 'string') return `${version}:${digest(['onceguard own fingerprint 1', 'text', value])}`;
  if (isUint8Array(value)) return `${version}:${digest(['onceguard own fingerprint 1', 'bytes', value])}`;
  const remedy = 'it must return a string or bytes, such as JSON.stringify of the fields that count';
  throw new IdempotencyError(
    'option_invalid',
    `The function fingerprint returned a value of type ${typeof value}; ${remedy}.`,
  );
}
