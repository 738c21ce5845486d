// The token by which an acquisition knows itself.
import { v7 } from 'uuid';

const tokenBuffer = Buffer.alloc(16);

/** A UUIDv7 (RFC 9562) in 22 characters of base64url: every record has one, and every request makes one. */
export function createOwnerToken(): string {
  return v7(undefined, tokenBuffer).toString('base64url');
}
