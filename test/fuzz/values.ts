// Values of functions: `encodeValue` and decoding return an equal value, and damaged bytes give a value or an error.
import { isDeepStrictEqual } from 'node:util';
import { decodeValue, encodeValue } from '../../packages/core/src/value-codec.js';
import type { Random } from '../model/seeded-random.js';
import { escapeBytes, type FuzzTarget } from './target.js';

export const functionValues: FuzzTarget = {
  name: 'values',
  draw(random: Random): Buffer {
    return Buffer.from(Array.from({ length: random.integer(1, 60) }, () => random.integer(0, 255)));
  },
  check(input: Buffer): string | null {
    const value = valueFrom([...input], 0);
    const bytes = encodeValue(value);
    if (!isDeepStrictEqual(decodeValue(bytes), value)) return `another value comes back from ${escapeBytes(bytes)}`;
    // For fingerprints only: it is never decoded.
    const sorted = encodeValue(value, { sorted: true });
    return encodeValue(decodeValue(bytes), { sorted: true }).equals(sorted) ? null : 'the same value has other bytes';
  },
};

const scalars: readonly unknown[] = [
  null,
  undefined,
  true,
  false,
  0,
  -0,
  Number.NaN,
  Number.NEGATIVE_INFINITY,
  1.5,
  2n ** 70n,
  '',
  '$',
  '\ud800',
  'é',
  new Date(0),
];

/** The bytes direct one choice after the other, so that fewer bytes make a smaller value. */
function valueFrom(script: number[], depth: number): unknown {
  const byte = script.shift() ?? 0;
  const kind = depth > 6 ? 0 : byte % 6;
  const count = (byte >> 4) % 5;
  if (kind === 1) return Buffer.from(script.splice(0, count));
  if (kind === 2) return Uint8Array.from(script.splice(0, count));
  if (kind === 3) return Array.from({ length: count }, () => valueFrom(script, depth + 1));
  if (kind < 4) return scalars[byte % scalars.length];
  const names = ['$', 'a', '__proto__', '1', '', 'constructor'];
  const entries = Array.from({ length: count }, () => [
    names[(script.shift() ?? 0) % names.length],
    valueFrom(script, depth + 1),
  ]);
  return Object.fromEntries(entries);
}
