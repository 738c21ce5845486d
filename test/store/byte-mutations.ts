// Random damage to bytes, from a seed.
import type { Random } from '../model/seeded-random.js';

/** Returns damaged bytes: with flipped bits, or with pieces removed, doubled or taken from another record. */
export function mutateBytes(bytes: Buffer, other: Buffer, random: Random): Buffer {
  for (;;) {
    const changed = random.pick(byteMutations)(bytes, random, other);
    if (!changed.equals(bytes)) return changed;
  }
}

type ByteMutation = (bytes: Buffer, random: Random, other: Buffer) => Buffer;

const byteMutations: readonly ByteMutation[] = [
  (bytes, random) => withByte(bytes, random, (byte) => byte ^ (1 << random.integer(0, 7))),
  (bytes, random) => withByte(bytes, random, () => random.integer(0, 255)),
  (bytes, random) => withByte(bytes, random, (byte) => byte + 1),
  (bytes, random) => bytes.subarray(0, randomPlaceIn(bytes, random)),
  (bytes, random) => spliced(bytes, random, Buffer.alloc(0)),
  (bytes, random) => spliced(bytes, random, Buffer.alloc(random.integer(1, 9))),
  (bytes, random) => spliced(bytes, random, Buffer.from(Array.from({ length: 8 }, () => random.integer(0, 255)))),
  (bytes, random, other) => spliced(bytes, random, other.subarray(0, random.integer(1, Math.max(1, other.length)))),
  (bytes) => Buffer.concat([bytes, bytes]),
  (bytes, random, other) => {
    const at = randomPlaceIn(bytes, random);
    return Buffer.concat([bytes.subarray(0, at), other.subarray(at)]);
  },
  (bytes, random, other) => {
    const at = randomPlaceIn(bytes, random);
    return Buffer.concat([other.subarray(0, at), bytes.subarray(at)]);
  },
];

/** Mostly a place near the beginning, where the fields of a record are. */
function randomPlaceIn(bytes: Buffer, random: Random): number {
  const end = Math.max(0, bytes.length - 1);
  return random.integer(0, random.chance(0.6) ? Math.min(120, end) : end);
}

function withByte(bytes: Buffer, random: Random, change: (byte: number) => number): Buffer {
  const changed = Buffer.from(bytes);
  const at = randomPlaceIn(bytes, random);
  changed[at] = change(bytes[at] ?? 0) & 0xff;
  return changed;
}

/** Replaces some bytes. */
function spliced(bytes: Buffer, random: Random, piece: Buffer): Buffer {
  const at = randomPlaceIn(bytes, random);
  const goesOnAt = at + (random.chance(0.5) ? piece.length : random.integer(1, 12));
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(goesOnAt)]);
}
