// The short run: checks what noise cannot affect. Every finding is a failure.
import { loadNamed } from '../loads.js';
import type { BenchEnvironment } from './bench-environment.js';
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
const maxBytesPerRecord = 520;
/** A store checks its server now and then; this allows for that, but not for a further command per request. */
const tolerance = 0.05;

export interface ShortResult extends RunResult {
  readonly findings: readonly string[];
}

export async function shortRun(environment: BenchEnvironment, log: (line: string) => void): Promise<ShortResult> {
  const loads = [loadNamed('fresh'), loadNamed('replay')];
  const rows = Object.keys(bounds);
  const settings = { rounds: 2, sliceMs: 250, warmUpMs: 100, runInMs: 50, loads, rows, rowsToWeigh: [weighedRow] };
  const result = await mainRun(environment, settings, log);
  const findings = [
    ...result.rows.filter(({ failure }) => failure !== null).map(({ row, failure }) => `${row}: ${failure}`),
    ...result.slices.flatMap(findingsIn),
  ];
  const bytes = result.bytesPerRecord[weighedRow] ?? Number.POSITIVE_INFINITY;
  if (bytes > maxBytesPerRecord)
    findings.push(`${weighedRow}: ${bytes} bytes per record, at most ${maxBytesPerRecord}`);
  return { ...result, findings };
}

export function findingsIn({ row, load, redisCommands, wrong }: Slice): string[] {
  const findings = wrong === null ? [] : [`${row}, ${load}: ${wrong}`];
  const limit = bounds[row]?.[load as keyof Bounds];
  if (limit !== undefined && redisCommands > limit + tolerance) {
    findings.push(`${row}, ${load}: ${redisCommands} Redis commands per request, at most ${limit}`);
  }
  return findings;
}
