// What one key names for its whole life: a digest of the request, with the version of the rules that made it.
import { isUint8Array } from 'node:util/types';
import { digest } from '../digest.js';
import { IdempotencyError } from '../errors.js';
import type { ComparableBody } from './comparable-body.js';

/** Of fingerprints by method, target and body. */
export const defaultFingerprintVersion = 'v1';
/** Of those that the application's own function makes, unless it gives another version. */
export const customFingerprintVersion = 'c1';

export interface FingerprintInput {
  readonly method: string;
  /** Path and query as `splitTarget` gives them. */
  readonly path: string;
  readonly query: string;
  readonly body: ComparableBody;
}

/** `v1:` and 43 characters: equal for two sends of one request, different where anything of it differs. */
export function fingerprintRequest({ method, path, query, body }: FingerprintInput): string {
  const parts = ['onceguard fingerprint 1', method, path, query, body.mediaType, body.kind, body.content];
  return `${defaultFingerprintVersion}:${digest(parts)}`;
}

/** The version and 43 characters, of what the application chose to compare. */
export function fingerprintCustomValue(version: string, value: unknown): string {
  if (typeof value === 'string') return `${version}:${digest(['onceguard own fingerprint 1', 'text', value])}`;
  if (isUint8Array(value)) return `${version}:${digest(['onceguard own fingerprint 1', 'bytes', value])}`;
  const remedy = 'it must give a string or bytes, such as JSON.stringify of the fields that count';
  throw new IdempotencyError(
    'option_invalid',
    `The function fingerprint gave a value of type ${typeof value}; ${remedy}.`,
  );
}
