// The trailers that a handler passes to `addTrailers`.
import type { TrailerEntry } from '../http/response.js';

/** One entry for each line. Accepts what Node accepts: an object, or a list of pairs. */
export function parseTrailers(trailers: unknown): TrailerEntry[] {
  if (typeof trailers !== 'object' || trailers === null) return [];
  const pairs: unknown[] = Array.isArray(trailers) ? trailers : Object.entries(trailers);
  return pairs.filter(Array.isArray).flatMap(([name, value]: unknown[]) => trailerLines(String(name), value));
}

function trailerLines(name: string, value: unknown): TrailerEntry[] {
  const values: unknown[] = Array.isArray(value) ? value : [value];
  return values.map((line) => [name, String(line)]);
}
