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
  environment: BenchEnvironment,
  log: (line: string) => void,
): Promise<Pick<GrowthResults, 'slices' | 'bytesPerRecord'>> {
  log('connections');
  const slices = await measureConnectionGrowth(environment, settings);
  log('body size');
  slices.push(...(await measureBodyGrowth(environment, settings)));
  log('stored keys');
  const records = await measureRecordGrowth(environment, settings);
  log('duplicates');
  slices.push(...records.slices, ...(await measureDuplicateGrowth(environment, settings)));
  log('server processes');
  slices.push(...(await measureProcessGrowth(environment, settings)));
  log('shards');
  slices.push(...(await measureShardGrowth(environment, settings)));
  return { slices, bytesPerRecord: records.bytesPerRecord };
}

/** By far the longest of them. */
export async function memoryRun(environment: BenchEnvironment, log: (line: string) => void): Promise<MemoryPoint[]> {
  return await measureMemoryGrowth(environment, soak.requests, soak.steps, log);
}
