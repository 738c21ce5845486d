// All growth experiments, one after the other.
import type { GrowthResults, MemoryPoint } from '../report/results.js';
import type { BenchEnvironment } from '../run/bench-environment.js';
import {
  measureBodyGrowth,
  measureConnectionGrowth,
  measureDuplicateGrowth,
  measureProcessGrowth,
  measureShardGrowth,
} from './experiments.js';
import { measureMemoryGrowth } from './memory-growth.js';
import { measureRecordGrowth } from './records.js';

const settings = { rounds: 5, sliceMs: 600 };
const soak = { requests: 1_000_000, steps: 10 };

export async function growthRun(
  world: BenchEnvironment,
  tell: (line: string) => void,
): Promise<Pick<GrowthResults, 'slices' | 'bytesPerRecord'>> {
  tell('connections');
  const slices = await measureConnectionGrowth(world, settings);
  tell('body size');
  slices.push(...(await measureBodyGrowth(world, settings)));
  tell('stored keys');
  const records = await measureRecordGrowth(world, settings);
  tell('duplicates');
  slices.push(...records.slices, ...(await measureDuplicateGrowth(world, settings)));
  tell('server processes');
  slices.push(...(await measureProcessGrowth(world, settings)));
  tell('shards');
  slices.push(...(await measureShardGrowth(world, settings)));
  return { slices, bytesPerRecord: records.bytesPerRecord };
}

/** By far the longest of them. */
export async function memoryRun(world: BenchEnvironment, tell: (line: string) => void): Promise<MemoryPoint[]> {
  return await measureMemoryGrowth(world, soak.requests, soak.steps, tell);
}
