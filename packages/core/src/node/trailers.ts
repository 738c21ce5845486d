// The trailers that a handler passes to `addTrailers`.
import type { TrailerEntry } from '../http/response.js';

/** One entry for each line. Takes what Node takes: an object, or a list of pairs. */
export function parseTrailers(given: unknown): TrailerEntry[] {
  if (typeof given !== 'object' || given === null) return [];
  const pairs: unknown[] = Array.isArray(given) ? given : Object.entries(given);
  return pairs.filter(Array.isArray).flatMap(([name, value]: unknown[]) => trailerLines(String(name), value));
}

function trailerLines(name: string, value: unknown): TrailerEntry[] {
  const values: unknown[] = Array.isArray(value) ? value : [value];
  return values.map((one) => [name, String(one)]);
}
