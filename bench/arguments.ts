// The command line of `npm run bench`: which run it selects.
import { parseArgs } from 'node:util';
import { rows } from './rows.js';

export interface Command {
  readonly kind: 'main' | 'full' | 'memory' | 'short' | 'micro' | 'report';
  /** The rows to measure; null: all of them. */
  readonly rows: readonly string[] | null;
}

export const usage = `Usage: npm run bench [-- options]

Measures onceguard beside a bare Express app, beside two bare Redis commands, and beside other packages, on a Redis of its own.
Without options it takes about 6 minutes, writes bench/results/main.json, draws docs/charts and fills docs/benchmarks.md.

  --full        also the growth charts and the micro-benchmarks: about half an hour; writes growth.json and micro.json too
  --memory      only the last part of --full, the memory over a million requests: 20 minutes; adds to growth.json
  --micro       only the micro-benchmarks; writes micro.json
  --short       only what noise cannot touch: commands per request, bytes per record, correctness; writes nothing
  --report      measures nothing: draws and fills from the results that are there
  --rows a,b    the main run with these rows alone; prints, and writes nothing. There are:
                ${rows.map(({ name }) => name).join('\n                ')}
  --help

Exit status: 0, 1 where a check of --short fails or a run breaks, 2 for a command line that makes no sense.`;

const flag = { type: 'boolean', default: false } as const;
const options = {
  ...{ full: flag, memory: flag, short: flag, micro: flag, report: flag, help: flag },
  rows: { type: 'string' },
} as const;

/** Throws an error that names the mistake. */
export function readArguments(args: readonly string[]): Command | 'help' {
  const { values } = parseArgs({ args: [...args], options });
  if (values.help) return 'help';
  const kinds = (['full', 'memory', 'short', 'micro', 'report'] as const).filter((kind) => values[kind]);
  if (kinds.length > 1) throw new Error(`--${kinds.join(' and --')} are different runs: give one of them.`);
  const [kind = 'main'] = kinds;
  if (values.rows === undefined) return { kind, rows: null };
  if (kind !== 'main') throw new Error(`--rows is an option of the main run, not of --${kind}.`);
  return { kind, rows: rowsNamed(values.rows) };
}

function rowsNamed(text: string): string[] {
  const names = text.split(',');
  for (const name of names) {
    if (!rows.some((row) => row.name === name)) throw new Error(`--rows ${name}: there is no such row.`);
  }
  return names;
}
