// The short run: checks what noise cannot affect. Every finding is a failure.
import { loadNamed } from '../loads.js';
import { rows as allRows, rowNamed } from '../rows.js';
import type { BenchEnvironment } from './bench-environment.js';
import { probe } from './correctness-probe.js';
import { mainRun, type RunResult } from './main-run.js';
import type { Slice } from './slice.js';

interface Bounds {
  /** Redis commands per request. */
  readonly fresh: number;
  readonly replay: number;
}

const bounds: Readonly<Record<string, Bounds>> = {
  'onceguard-memory': { fresh: 0, replay: 0 },
  'onceguard-redis': { fresh: 2, replay: 1 },
  'onceguard-local-cache': { fresh: 2, replay: 0 },
};

const weighedRow = 'onceguard-redis';
/** The record, its key and the memory that Redis allocates around them, in its steps of 64 and 128 bytes. */
const maxBytesPerRecord = 640;
/** A store checks its server now and then; this allows for that, but not for a further command per request. */
const tolerance = 0.05;

export interface ShortResult extends RunResult {
  readonly findings: readonly string[];
}

export async function shortRun(environment: BenchEnvironment, log: (line: string) => void): Promise<ShortResult> {
  const loads = ['fresh', 'replay', 'single', 'open-20'].map(loadNamed);
  const rows = Object.keys(bounds);
  const settings = { rounds: 2, sliceMs: 250, warmUpMs: 100, runInMs: 50, loads, rows, rowsToWeigh: [weighedRow] };
  const result = await mainRun(environment, settings, log);
  const findings = [
    ...result.rows.filter(({ failure }) => failure !== null).map(({ row, failure }) => `${row}: ${failure}`),
    ...result.slices.flatMap(findingsIn),
  ];
  log('the other rows');
  for (const { name } of allRows.filter((row) => !rows.includes(row.name))) {
    findings.push(...(await findingsOfProbe(environment, name)));
  }
  const bytes = result.bytesPerRecord[weighedRow] ?? Number.POSITIVE_INFINITY;
  if (bytes > maxBytesPerRecord)
    findings.push(`${weighedRow}: ${bytes} bytes per record, at most ${maxBytesPerRecord}`);
  return { ...result, findings };
}

/** Each row is started and ended on its own: together they would take the memory of a dozen processes. */
async function findingsOfProbe(environment: BenchEnvironment, name: string): Promise<string[]> {
  const server = await environment.startServer(rowNamed(name));
  const failure = await probe(server);
  await server.stop();
  return failure === null ? [] : [`${name}: ${failure}`];
}

export function findingsIn({ row, load, redisCommands, wrong }: Slice): string[] {
  const findings = wrong === null ? [] : [`${row}, ${load}: ${wrong}`];
  const limit = bounds[row]?.[load as keyof Bounds];
  if (limit !== undefined && redisCommands > limit + tolerance) {
    findings.push(`${row}, ${load}: ${redisCommands} Redis commands per request, at most ${limit}`);
  }
  return findings;
}
