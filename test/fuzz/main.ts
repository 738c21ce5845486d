// npm run fuzz: checks random inputs against an independent reference. The same seed draws the same inputs.
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { Random } from '../model/seeded-random.js';
import { jsonBodies } from './json.js';
import { headerKeys } from './keys.js';
import { damagedOutcomes } from './outcomes.js';
import { damagedRecords } from './records.js';
import { rawRequests } from './requests.js';
import { shrink } from './shrink.js';
import { escapeBytes, type FuzzTarget } from './target.js';
import { functionValues } from './values.js';

const usage = `Usage: npm run fuzz -- [--minutes M] [--seed S]

  --minutes M   for how long; default: 1
  --seed S      draws the inputs; default: a random one

Ends with status 1, the input and its smallest form, if anything was found that must not be.`;

/**
 * The time for consecutive inputs of one target. A slow target gets fewer inputs, so that each gets its share of the
 * time.
 */
const sliceMs = 200;

process.exit(await main());

async function main(): Promise<number> {
  const run = readArguments();
  if (run === null) return 2;
  console.log(`seed ${run.seed}, ${run.minutes} minutes`);
  const targets = [
    headerKeys,
    jsonBodies,
    functionValues,
    await damagedOutcomes(),
    await rawRequests(),
    await damagedRecords(),
  ];
  const counts = new Map<string, number>();
  let finding: string | null = null;
  const crashed = new Promise<never>((_, reject) => process.once('uncaughtException', reject));
  try {
    finding = await Promise.race([search(targets, run, counts), crashed]);
  } catch (error) {
    finding = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  for (const { close } of targets) await close?.();
  for (const [name, count] of counts) console.log(`${name}: ${count} inputs`);
  if (finding !== null)
    console.error(`\n${finding}\nAgain: npm run fuzz -- --minutes ${run.minutes} --seed ${run.seed}`);
  return finding === null ? 0 : 1;
}

/** Null if the time is over without a finding. Each target has its own inputs, whatever the speed of the others. */
async function search(
  targets: readonly FuzzTarget[],
  { seed, minutes }: FuzzPlan,
  counts: Map<string, number>,
): Promise<string | null> {
  const end = performance.now() + minutes * 60_000;
  const randoms = targets.map((_, at) => new Random(seed + at));
  while (performance.now() < end) {
    for (const [at, target] of targets.entries()) {
      const random = randoms[at] ?? new Random(seed);
      for (const turnEnd = performance.now() + sliceMs; performance.now() < turnEnd; ) {
        const input = target.draw(random);
        const difference = await differenceOf(target, input);
        if (difference !== null) return await report(target, input, difference);
        counts.set(target.name, (counts.get(target.name) ?? 0) + 1);
      }
    }
  }
  return null;
}

async function differenceOf(target: FuzzTarget, input: Buffer): Promise<string | null> {
  try {
    return await target.check(input);
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

async function report(target: FuzzTarget, input: Buffer, difference: string): Promise<string> {
  const smallest = await shrink(input, async (candidate) => (await differenceOf(target, candidate)) !== null);
  const lines = [`${target.name}: ${difference}`, `input (latin1): ${escapeBytes(input)}`];
  lines.push(`smallest (latin1): ${escapeBytes(smallest)}`, `which gives: ${await differenceOf(target, smallest)}`);
  return lines.join('\n');
}

interface FuzzPlan {
  readonly seed: number;
  readonly minutes: number;
}

function readArguments(): FuzzPlan | null {
  try {
    const text = { type: 'string' } as const;
    const { values: given } = parseArgs({ options: { minutes: text, seed: text, help: { type: 'boolean' } } });
    const minutes = Number(given.minutes ?? 1);
    const seed = Number(given.seed ?? randomInt(2 ** 31));
    if (given.help !== true && minutes > 0 && Number.isInteger(seed)) return { seed, minutes };
  } catch (error) {
    console.error(String(error));
  }
  console.error(usage);
  return null;
}
