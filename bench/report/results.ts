// The results of the runs, one file for each kind, as they are kept in the repository.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import type { RowResult, Tail } from '../run/main-run.js';
import type { Slice } from '../run/slice.js';
import type { BloatResult } from '../sql/bloat-run.js';
import type { SqlRunResult } from '../sql/sql-run.js';

export interface Circumstances {
  readonly measuredAt: string;
  readonly machine: string;
  /** The versions of everything that took part. */
  readonly versions: Readonly<Record<string, string>>;
}

export interface MainResults extends Circumstances {
  readonly rounds: number;
  readonly sliceMs: number;
  readonly rows: readonly RowResult[];
  /** The bytes of a record in Redis beyond the response body, by row. */
  readonly bytesPerRecord: Readonly<Record<string, number>>;
  /** Of the open loops. Missing in older results. */
  readonly tails?: readonly Tail[];
  readonly slices: readonly Slice[];
}

export interface GrowthResults extends Circumstances {
  /** The slices; a slice's `load` up to the colon names the chart. */
  readonly slices: readonly Slice[];
  readonly bytesPerRecord: readonly { readonly at: number; readonly bytes: number }[];
  readonly memory: readonly MemoryPoint[];
}

/** The memory that a server references after so many requests. */
export interface MemoryPoint {
  readonly row: string;
  readonly requests: number;
  readonly liveBytes: number;
}

export interface MicroResults extends Circumstances {
  readonly tasks: readonly MicroTask[];
  /** Missing in results that are older than this measurement. */
  readonly bodies?: readonly BodyCost[];
}

/** The medians for a megabyte of JSON of this shape. */
export interface BodyCost {
  /** The version that it was measured on. */
  readonly node: string;
  readonly shape: string;
  readonly parseMs: number;
  readonly canonicalMs: number;
}

/** The median and the 99th percentile of one call; for a verb, also Redis' share. */
export interface MicroTask {
  readonly name: string;
  readonly micros: number;
  readonly p99Micros: number;
  readonly redisMicros: number | null;
}

/** The slices of the rows that compare frameworks. */
export interface FrameworkResults extends Circumstances {
  readonly rounds: number;
  readonly slices: readonly Slice[];
}

/** Fresh requests with and without OpenTelemetry. */
export interface TelemetryResults extends Circumstances {
  readonly rounds: number;
  readonly slices: readonly Slice[];
}

/** The stores on SQL. `bloat` is missing where it was never measured. */
export interface SqlResults extends Circumstances, Omit<SqlRunResult, 'postgres'> {
  readonly rounds: number;
  readonly bloat?: BloatResult & Pick<Circumstances, 'measuredAt'>;
}

interface Results {
  readonly sql: SqlResults;
  readonly frameworks: FrameworkResults;
  readonly telemetry: TelemetryResults;
  readonly main: MainResults;
  /** The main run on other versions of Node, by major. */
  readonly [onNode: `main-${number}`]: MainResults;
  readonly growth: GrowthResults;
  readonly micro: MicroResults;
}

/** The major whose results fill the page: `measuredMajor` of `scripts/nodes.mjs`. */
const pageMajor = 24;

/** Which file the main run of this process belongs to. */
export function mainKind(node = process.versions.node): 'main' | `main-${number}` {
  const major = Number.parseInt(node, 10);
  return major === pageMajor ? 'main' : `main-${major}`;
}

/** The main runs on other versions of Node, by major. */
export function otherMainResults(): MainResults[] {
  const majors = readdirSync(new URL('../results/', import.meta.url)).flatMap((file) => {
    const [, major] = /^main-(\d+)\.json$/.exec(file) ?? [];
    return major === undefined ? [] : [Number(major)];
  });
  return majors.sort((a, b) => a - b).flatMap((major) => readResults(`main-${major}`) ?? []);
}

/** Null, if there was no such run. */
export function readResults<Kind extends keyof Results>(kind: Kind): Results[Kind] | null {
  const file = fileOf(kind);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Results[Kind]) : null;
}

/** Writes one line for each measurement, so that two runs can be compared. */
export function writeResults<Kind extends keyof Results>(kind: Kind, results: Results[Kind]): void {
  const lines = Object.entries(results).map(([name, value]) => `${JSON.stringify(name)}: ${text(value)}`);
  writeFileSync(fileOf(kind), `{\n${lines.join(',\n')}\n}\n`);
}

export function circumstances(redisVersion: string): Circumstances {
  return { ...hereAndNow(), versions: { node: process.versions.node, redis: redisVersion, ...installedVersions() } };
}

export function circumstancesOnSql(postgresVersion: string): Circumstances {
  const { sqlite = '' } = process.versions;
  const { pg = '' } = installedVersions();
  return { ...hereAndNow(), versions: { node: process.versions.node, postgresql: postgresVersion, pg, sqlite } };
}

function hereAndNow(): Pick<Circumstances, 'measuredAt' | 'machine'> {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return {
    measuredAt: new Date().toISOString().slice(0, 16),
    machine: `${cpus().length} × ${cpu?.model ?? 'unknown processor'}, ${memory} GiB, ${process.platform}`,
  };
}

function installedVersions(): Record<string, string> {
  const manifest = (at: string) => JSON.parse(readFileSync(new URL(at, import.meta.url), 'utf8'));
  const names = Object.keys(manifest('../package.json').dependencies).filter((name) => !name.startsWith('@onceguard/'));
  return Object.fromEntries(names.map((name) => [name, manifest(`../node_modules/${name}/package.json`).version]));
}

function text(value: unknown): string {
  if (!Array.isArray(value)) return JSON.stringify(value);
  return `[\n${value.map((one) => `  ${JSON.stringify(one)}`).join(',\n')}\n]`;
}

function fileOf(kind: keyof Results): URL {
  return new URL(`../results/${kind}.json`, import.meta.url);
}
