// What `npm run bench` does for a command: measures, keeps the results, and reports them.
import type { Command, Part } from './arguments.js';
import { frameworkRows } from './framework-rows.js';
import { growthRun, memoryRun } from './growth/growth-run.js';
import { loadNamed, loads } from './loads.js';
import { bodyCosts } from './micro/bodies.js';
import { microRun } from './micro/run.js';
import { billionSentences } from './report/billion-keys.js';
import { frameworkTable } from './report/framework-table.js';
import { openTables, singleTable } from './report/latency-tables.js';
import { report } from './report/report.js';
import {
  circumstances,
  circumstancesOnSql,
  type FrameworkResults,
  type GrowthResults,
  type MainResults,
  mainKind,
  readResults,
  type TelemetryResults,
  writeResults,
} from './report/results.js';
import { sqlTables } from './report/sql-tables.js';
import { asText, bodyTable, mainTables } from './report/tables.js';
import { targetsOf, targetTable, telemetryRows, telemetryTarget } from './report/targets.js';
import { rows } from './rows.js';
import { BenchEnvironment } from './run/bench-environment.js';
import { mainRun } from './run/main-run.js';
import { shortRun } from './run/short-run.js';
import { bloatRun } from './sql/bloat-run.js';
import { sqlRounds, sqlRun } from './sql/sql-run.js';

/** What is compared is compared within a round, so rounds are short and many. */
const main = { rounds: 24, sliceMs: 300, warmUpMs: 700, runInMs: 100, garbageRounds: 5 };
/** What adapters add is a small difference of two costs: many short rounds find it more exactly than few long ones. */
const frameworks = { rounds: 30, sliceMs: 300, warmUpMs: 2_000, runInMs: 100 };

/** A small difference too. Both servers get the same requests, as code that has run less is slower. */
const telemetry = { rounds: 80, sliceMs: 500, warmUpMs: 8_000, runInMs: 150 };

/** Measures and reports what the command asks for. */
export async function runCommand(command: Command): Promise<void> {
  switch (command.kind) {
    case 'main':
      return await measureMain(command);
    case 'full':
      await measureMain({ rows: null, rounds: null });
      await measureMicro();
      return await measureGrowth();
    case 'memory':
      return await measureMemory();
    case 'short':
      return await measureShort();
    case 'micro':
      return await measureMicro();
    case 'frameworks':
      return await measureFrameworks();
    case 'telemetry':
      return await measureTelemetry();
    case 'sql':
      return await measureSql();
    case 'bloat':
      return await measureBloat(command.minutes);
    case 'report':
      return report();
  }
}

async function measureMain({ rows: only, rounds }: Part): Promise<void> {
  const results = await BenchEnvironment.use(async (environment): Promise<MainResults> => {
    const measured = rows.filter(({ name }) => only === null || only.includes(name));
    const rowsToWeigh = measured.filter(({ keepsInRedis }) => keepsInRedis).map(({ name }) => name);
    const given = { ...main, rounds: rounds ?? main.rounds };
    const settings = { ...given, loads, rows: measured.map(({ name }) => name), rowsToWeigh };
    const run = await mainRun(environment, settings, console.log);
    return {
      ...circumstances(await environment.redis.version()),
      rounds: given.rounds,
      sliceMs: given.sliceMs,
      ...run,
    };
  });
  printTables(results);
  const isPartial = only !== null || rounds !== null;
  if (only === null)
    console.log(asText(targetTable(targetsOf(results, readResults('growth'), readResults('telemetry')))));
  if (isPartial) return;
  writeResults(mainKind(), results);
  report();
}

async function measureMicro(): Promise<void> {
  const bodies = await bodyCosts();
  const results = await BenchEnvironment.use(async (environment) => {
    return { ...circumstances(await environment.redis.version()), tasks: await microRun(environment), bodies };
  });
  console.table(results.tasks);
  console.log(asText(bodyTable(bodies)));
  writeResults('micro', results);
  report();
}

async function measureFrameworks(): Promise<void> {
  const results = await BenchEnvironment.use(async (environment): Promise<FrameworkResults> => {
    const names = frameworkRows.map(({ name }) => name);
    const loadsOfRun = [loadNamed('fresh'), loadNamed('replay')];
    const settings = { ...frameworks, loads: loadsOfRun, rows: names, rowsToWeigh: [] };
    const { slices } = await mainRun(environment, settings, console.log);
    return { ...circumstances(await environment.redis.version()), rounds: frameworks.rounds, slices };
  });
  console.log(asText(frameworkTable(results.slices)));
  writeResults('frameworks', results);
  report();
}

async function measureTelemetry(): Promise<void> {
  const results = await BenchEnvironment.use(async (environment): Promise<TelemetryResults> => {
    const settings = { ...telemetry, loads: [loadNamed('fresh')], rows: telemetryRows, rowsToWeigh: [] };
    const { slices } = await mainRun(environment, settings, console.log);
    return { ...circumstances(await environment.redis.version()), rounds: telemetry.rounds, slices };
  });
  console.log(asText(targetTable([telemetryTarget(results.slices)])));
  writeResults('telemetry', results);
  report();
}

async function measureSql(): Promise<void> {
  const { postgres, ...run } = await sqlRun(console.log);
  const bloat = readResults('sql')?.bloat;
  const results = { ...circumstancesOnSql(postgres), rounds: sqlRounds, ...run, ...(bloat && { bloat }) };
  for (const table of sqlTables(results)) console.log(asText(table));
  writeResults('sql', results);
  report();
}

async function measureBloat(minutes: number): Promise<void> {
  const bloat = await bloatRun(minutes, console.log);
  const sql = readResults('sql');
  if (sql === null) throw new Error('There is no bench/results/sql.json to add to: run --sql.');
  const { measuredAt } = circumstancesOnSql('');
  writeResults('sql', { ...sql, bloat: { measuredAt, ...bloat } });
  report();
}

/** Saves the other results before the longest part, in case that fails. */
async function measureGrowth(): Promise<void> {
  const results = await BenchEnvironment.use(async (environment): Promise<GrowthResults> => {
    const growth = await growthRun(environment, console.log);
    return { ...circumstances(await environment.redis.version()), ...growth, memory: [] };
  });
  writeGrowth(results);
  for (const sentence of Object.values(billionSentences(results))) console.log(`\n${sentence}`);
  await measureMemory();
}

async function measureMemory(): Promise<void> {
  const growth = readResults('growth');
  if (growth === null) throw new Error('There is no bench/results/growth.json to add to: run --full.');
  const memory = await BenchEnvironment.use(async (environment) => await memoryRun(environment, console.log));
  writeGrowth({ ...growth, memory });
}

function writeGrowth(results: GrowthResults): void {
  writeResults('growth', results);
  report();
}

async function measureShort(): Promise<void> {
  const { findings, ...results } = await BenchEnvironment.use(
    async (environment) => await shortRun(environment, console.log),
  );
  printTables(results);
  console.log(`\nRedis bytes per record beyond the body: ${JSON.stringify(results.bytesPerRecord)}`);
  for (const finding of findings) console.error(`✗ ${finding}`);
  if (findings.length > 0) process.exitCode = 1;
  else console.log('✓ commands per request, bytes per record and correctness are as they have to be');
}

function printTables(results: Pick<MainResults, 'slices' | 'rows' | 'tails'>): void {
  const single = singleTable(results);
  const tables = [...mainTables(results), ...(single === null ? [] : [single]), ...openTables(results)];
  for (const table of tables) console.log(asText(table));
}
