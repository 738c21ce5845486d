// SHA-256 over a list of parts, such that no two different lists are ever hashed as the same bytes.
import { createHash } from 'node:crypto';

/**
 * The digest of a list, as 43 characters of base64url. Each part is preceded by its length in bytes, so that no part
 * can run into the next. Text is hashed as UTF-16: UTF-8 has one replacement for every lone surrogate, and two texts
 * that differ must not become one. Text and bytes are not told apart; a list has a fixed type at each place.
 */
export function digest(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    const bytes = typeof part === 'string' ? Buffer.from(part, 'utf16le') : part;
    hash.update(`${bytes.byteLength}:`).update(bytes);
  }
  return hash.digest('base64url');
}
