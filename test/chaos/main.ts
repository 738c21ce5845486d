// npm run chaos: injects faults of every kind into running processes, and then checks everything that they recorded.
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { RunPlan } from './call-plan.js';
import { type RunProgress, runChaos } from './chaos-run.js';
import { check } from './checker.js';
import { readHistories } from './history.js';
import { groupBy } from './key-history.js';
import { linesOf, summaryOf } from './report.js';

const usage = `Usage: npm run chaos -- [--keys N] [--seed S] [--minutes M]

  --keys N      how many idempotency keys are used; default 10000
  --seed S      draws the calls and the faults; default: a random one
  --minutes M   for how long calls are made and faults injected; default: one for each 1000 keys

Ends with status 1 if anything was found that must not be.`;

/** The number of processes that share the calls. */
const workers = 3;

/** The number of violations that are shown for each invariant. */
const maxShown = 3;

const plan = readArguments();
if (plan !== null) process.exit(await main(plan));

function readArguments(): RunPlan | null {
  try {
    const text = { type: 'string' } as const;
    const { values } = parseArgs({ options: { keys: text, seed: text, minutes: text, help: { type: 'boolean' } } });
    if (values.help === true) {
      console.log(usage);
      return null;
    }
    const keys = numberOf('keys', values.keys, 10_000);
    const minutes = numberOf('minutes', values.minutes, keys / 1_000);
    const seed = numberOf('seed', values.seed, randomInt(2 ** 31));
    if (!Number.isInteger(keys) || !Number.isInteger(seed)) throw new Error('--keys and --seed are whole numbers');
    return { seed, keys, durationMs: minutes * 60_000, workers };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    process.exitCode = 2;
    return null;
  }
}

function numberOf(name: string, text: string | undefined, otherwise: number): number {
  const number = text === undefined ? otherwise : Number(text);
  if (text === '' || !(number > 0) || number > 2 ** 31)
    throw new Error(`--${name} ${text}: this is not a number above 0`);
  return number;
}

/** Resolves with the exit status. */
async function main(plan: RunPlan): Promise<number> {
  const { seed, keys, durationMs } = plan;
  console.log(`seed ${seed}, ${keys} keys, ${durationMs / 60_000} minutes, ${workers} processes`);
  const folder = mkdtempSync(join(tmpdir(), 'onceguard-chaos-'));
  await runChaos(plan, folder, (progress) => console.log(progressOf(progress)));
  const events = readHistories(folder);
  for (const line of summaryOf(events)) console.log(line);
  const violations = check(events);
  for (const group of groupBy(violations, ({ invariant }) => invariant).values()) {
    for (const violation of group.slice(0, maxShown)) console.log(`\n${linesOf(violation).join('\n')}`);
    if (group.length > maxShown) console.log(`\n… and ${group.length - maxShown} more of this kind.`);
  }
  if (violations.length === 0) {
    rmSync(folder, { recursive: true });
    console.log('No violation.');
    return 0;
  }
  console.log(`\n${violations.length} violations with seed ${seed}. All histories are in ${folder}.`);
  return 1;
}

function progressOf({ elapsedMs, calls, faults }: RunProgress): string {
  return `${String(Math.round(elapsedMs / 1_000)).padStart(4)} s  ${calls} calls, ${faults} faults`;
}
