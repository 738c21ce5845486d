// npm run bench: measures what the command line asks for, keeps the results, and reports them.
import { type Command, readArguments, usage } from './arguments.js';
import { growthRun, memoryRun } from './growth/growth-run.js';
import { loads } from './loads.js';
import { bodyCosts } from './micro/bodies.js';
import { microRun } from './micro/run.js';
import { billionSentences } from './report/billion-keys.js';
import { report } from './report/report.js';
import { circumstances, type GrowthResults, type MainResults, readResults, writeResults } from './report/results.js';
import { asText, bodyTable, mainTables } from './report/tables.js';
import { targetsOf, targetTable } from './report/targets.js';
import { rows } from './rows.js';
import { BenchEnvironment } from './run/bench-environment.js';
import { mainRun, type RunResult } from './run/main-run.js';
import { shortRun } from './run/short-run.js';

const main = { rounds: 8, sliceMs: 700, warmUpMs: 700, runInMs: 300 };

const command = commandLine();
if (command !== null) await run(command);

function commandLine(): Command | null {
  try {
    const read = readArguments(process.argv.slice(2));
    if (read !== 'help') return read;
    console.log(usage);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    process.exitCode = 2;
  }
  return null;
}

async function run(command: Command): Promise<void> {
  switch (command.kind) {
    case 'main':
      return await measureMain(command.rows);
    case 'full':
      await measureMain(null);
      await measureMicro();
      return await measureGrowth();
    case 'memory':
      return await measureMemory();
    case 'short':
      return await measureShort();
    case 'micro':
      return await measureMicro();
    case 'report':
      return report();
  }
}

async function measureMain(only: readonly string[] | null): Promise<void> {
  const results = await BenchEnvironment.use(async (environment): Promise<MainResults> => {
    const measured = rows.filter(({ name }) => only === null || only.includes(name));
    const rowsToWeigh = measured.filter(({ keepsInRedis }) => keepsInRedis).map(({ name }) => name);
    const settings = { ...main, loads, rows: measured.map(({ name }) => name), rowsToWeigh };
    const run = await mainRun(environment, settings, console.log);
    return { ...circumstances(await environment.redis.version()), rounds: main.rounds, sliceMs: main.sliceMs, ...run };
  });
  printTables(results);
  if (only !== null) return;
  console.log(asText(targetTable(targetsOf(results, readResults('growth')))));
  writeResults('main', results);
  report();
}

async function measureMicro(): Promise<void> {
  const bodies = bodyCosts();
  const results = await BenchEnvironment.use(async (environment) => {
    return { ...circumstances(await environment.redis.version()), tasks: await microRun(environment), bodies };
  });
  console.table(results.tasks);
  console.log(asText(bodyTable(bodies)));
  writeResults('micro', results);
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

function printTables(results: Pick<RunResult, 'slices' | 'rows'>): void {
  for (const table of mainTables(results)) console.log(asText(table));
}
