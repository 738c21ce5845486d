// Which files import each other in a circle, types included: none of them can be read, tested or moved without the others.
import { posix } from 'node:path';
import { importsOf, type ParsedSource } from './source-trees.js';

/** Each group of files that reach each other by their imports, sorted. A file that imports itself is a group too. */
export function importCycles(sources: readonly ParsedSource[]): string[][] {
  const reached = new Map(sources.map((source) => [source.file, new Set(targetsOf(source))]));
  let isGrowing = true;
  while (isGrowing) {
    isGrowing = false;
    for (const files of reached.values()) {
      const before = files.size;
      for (const file of files) for (const next of reached.get(file) ?? []) files.add(next);
      isGrowing ||= files.size > before;
    }
  }
  const reaches = (from: string, to: string) => reached.get(from)?.has(to) ?? false;
  const files = [...reached.keys()].sort();
  const groups = files
    .filter((file) => reaches(file, file))
    .map((file) => files.filter((other) => reaches(file, other) && reaches(other, file)));
  // Every file of a group found the same group; the first of them keeps it.
  return groups.filter(([first], index) => groups.findIndex((group) => group[0] === first) === index);
}

function targetsOf(source: ParsedSource): string[] {
  return importsOf(source)
    .filter((module) => module.startsWith('.'))
    .map((module) => posix.join(posix.dirname(source.file), module).replace(/\.js$/, '.ts'));
}
