// The trailers of an answer, collected until it has ended.
import type { Rehearsal } from './rehearsal.js';

export type TrailerEntry = readonly [name: string, value: string];

export interface Trailers {
  /** Replaces what was added before, as `res.addTrailers` does, or throws what that throws. */
  add(given: unknown): void;
  /** Those that count. Node sends trailers with chunked coding only, and drops them otherwise. */
  list(): readonly TrailerEntry[];
}

export function collectTrailers(rehearsal: Rehearsal): Trailers {
  let entries: TrailerEntry[] = [];
  return {
    add(given) {
      rehearsal.play((on) => Reflect.apply(on.addTrailers, on, [given]));
      entries = entriesOf(given);
    },
    list: () => (rehearsal.chunked ? entries : []),
  };
}

function entriesOf(given: unknown): TrailerEntry[] {
  if (typeof given !== 'object' || given === null) return [];
  const pairs: unknown[] = Array.isArray(given) ? given : Object.entries(given);
  return pairs.filter(Array.isArray).flatMap(([name, value]: unknown[]) => linesOf(String(name), value));
}

function linesOf(name: string, value: unknown): TrailerEntry[] {
  const values: unknown[] = Array.isArray(value) ? value : [value];
  return values.map((one) => [name, String(one)]);
}
