// SHA-256 over a list of parts. Two different lists are never hashed as the same bytes.
import { hash } from 'node:crypto';

/**
 * The digest of a list, as 43 characters of base64url. The length of each part precedes it, so that two parts cannot be confused with
 * one. A part of bytes is replaced by its own digest. Each position of a list has a fixed type, text or bytes.
 *
 * A list is hashed as UTF-8. A list with a lone surrogate is hashed as UTF-16, because UTF-8 encodes all lone surrogates alike and would
 * make different texts equal. The two encodings cannot collide: the second byte is 0 in the UTF-16 of a list and never in its UTF-8.
 */
export function digest(parts: readonly (string | Uint8Array)[]): string {
  let list = '';
  for (const part of parts) {
    const text = typeof part === 'string' ? part : hash('sha256', part, 'base64url');
    list += `${text.length}:${text}`;
  }
  // One call, because a Hash object that gets part after part takes four times as long for such short lists.
  return hash('sha256', list.isWellFormed() ? list : Buffer.from(list, 'utf16le'), 'base64url');
}
