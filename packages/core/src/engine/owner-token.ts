// The token by which an acquisition knows itself.
import { v7 } from 'uuid';

const bytes = Buffer.alloc(16);

/** A UUIDv7 (RFC 9562) in 22 characters of base64url: every record has one, and every request makes one. */
export function ownerToken(): string {
  return v7(undefined, bytes).toString('base64url');
}
