// One fuzzing target: how its inputs are drawn, and which independent reference checks them.
import type { Random } from '../model/seeded-random.js';

export interface FuzzTarget {
  readonly name: string;
  /** An input as bytes, so that one function can shrink them all. */
  draw(random: Random): Buffer;
  /** The difference from the reference; null for none. Any bytes are a valid input. */
  check(input: Buffer): Promise<string | null> | string | null;
  close?(): Promise<void>;
}

/** Bytes as they can be pasted into a test. */
export function escapeBytes(bytes: Uint8Array): string {
  return JSON.stringify(Buffer.from(bytes).toString('latin1'));
}

/** Random damage: bytes replaced, removed, doubled or inserted. */
export function damageBytes(bytes: Buffer, random: Random, alphabet?: readonly string[]): Buffer {
  const at = random.integer(0, bytes.length);
  const to = Math.min(bytes.length, at + random.integer(0, 4));
  const piece =
    alphabet && random.chance(0.7) ? Buffer.from(random.pick(alphabet), 'latin1') : Buffer.of(random.integer(0, 255));
  const put = random.pick([piece, Buffer.alloc(0), bytes.subarray(at, to + 4), piece]);
  return Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(to)]);
}
