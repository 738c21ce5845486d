// The command line of `npm run bench`: which run it selects.
import { parseArgs } from 'node:util';
import { rows } from './rows.js';

/** The part of the main run to measure. */
export interface Part {
  /** The rows; null: all of them. */
  readonly rows: readonly string[] | null;
  /** How many rounds; null: as many as the run has. */
  readonly rounds: number | null;
}

export type Command =
  | ({
      readonly kind: 'main' | 'full' | 'memory' | 'short' | 'micro' | 'frameworks' | 'telemetry' | 'sql' | 'report';
    } & Part)
  /** `minutes`: how long records are made at most. */
  | { readonly kind: 'bloat'; readonly minutes: number };

export const usage = `Usage: npm run bench [-- options]

Measures onceguard beside a bare Express app, beside two bare Redis commands, and beside other packages, on a Redis of its own.
Without options it takes about 10 minutes, writes bench/results/main.json, draws docs/charts and fills docs/benchmarks.md.

  --node 22     on another version of Node, 22 or 26, instead of 24; the main run writes main-22.json then

  --full        also the growth charts and the micro-benchmarks: about half an hour; writes growth.json and micro.json too
  --memory      only the last part of --full, the memory over a million requests: 20 minutes; adds to growth.json
  --micro       only the micro-benchmarks; writes micro.json
  --frameworks  Express, Fastify, Hono and Nest, each bare and with its adapter; writes frameworks.json
  --telemetry   fresh requests with OpenTelemetry beside those without: three minutes; writes telemetry.json
  --sql         PostgresStore and transactions beside statements by hand, on a PostgreSQL of its own, and SqliteStore: five
                minutes; writes sql.json
  --sql --bloat 10
                only the size of the tables while records are made and purged: a million, or as many as fit into ten minutes;
                adds to sql.json
  --short       only what noise cannot touch: commands per request, bytes per record, correctness of all rows; writes nothing
  --report      measures nothing: draws and fills from the results that are there
  --rounds 2    the main run with so many rounds; prints, and writes nothing
  --rows a,b    the main run with these rows alone; prints, and writes nothing. There are:
                ${rows.map(({ name }) => name).join('\n                ')}
  --help

Exit status: 0, 1 where a check of --short fails or a run breaks, 2 for a command line that makes no sense.`;

const flag = { type: 'boolean', default: false } as const;
const options = {
  ...{
    full: flag,
    memory: flag,
    short: flag,
    micro: flag,
    frameworks: flag,
    telemetry: flag,
    sql: flag,
    report: flag,
    help: flag,
  },
  rows: { type: 'string' },
  rounds: { type: 'string' },
  bloat: { type: 'string' },
} as const;

/** Throws an error that names the mistake. */
export function readArguments(args: readonly string[]): Command | 'help' {
  const { values } = parseArgs({ args: [...args], options });
  if (values.help) return 'help';
  const kinds = (['full', 'memory', 'short', 'micro', 'frameworks', 'telemetry', 'sql', 'report'] as const).filter(
    (kind) => values[kind],
  );
  if (kinds.length > 1) throw new Error(`--${kinds.join(' and --')} are different runs: give one of them.`);
  const [kind = 'main'] = kinds;
  if (values.bloat !== undefined) return { kind: 'bloat', minutes: minutesOf(kind, values.bloat) };
  for (const option of ['rows', 'rounds'] as const) {
    if (values[option] !== undefined && kind !== 'main') {
      throw new Error(`--${option} is an option of the main run, not of --${kind}.`);
    }
  }
  const [named, counted] = [values.rows, values.rounds];
  return {
    kind,
    rows: named === undefined ? null : rowsNamed(named),
    rounds: counted === undefined ? null : roundsIn(counted),
  };
}

function roundsIn(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new Error(`--rounds ${text}: give a number from 1 to 999.`);
  return Number(text);
}

function minutesOf(kind: Command['kind'], text: string): number {
  if (kind !== 'sql') throw new Error('--bloat is an option of --sql: --sql --bloat 10.');
  const minutes = Number(text);
  if (!(minutes > 0)) throw new Error(`--bloat ${text}: give the minutes that it may take, such as 10.`);
  return minutes;
}

function rowsNamed(text: string): string[] {
  const names = text.split(',');
  for (const name of names) {
    if (!rows.some((row) => row.name === name)) throw new Error(`--rows ${name}: there is no such row.`);
  }
  return names;
}
