// The token that identifies the owner of a lease.
import { v7 } from 'uuid';

const tokenBuffer = Buffer.alloc(16);

/** A UUIDv7 (RFC 9562) as 22 characters of base64url. The short form matters: every record holds one, and every request creates one. */
export function createOwnerToken(): string {
  return v7(undefined, tokenBuffer).toString('base64url');
}
