// All growth experiments, one after the other.
import type { GrowthResults, MemoryPoint } from '../report/results.js';
import type { World } from '../run/world.js';
import { growBodies, growConnections, growDuplicates, growProcesses, growShards } from './experiments.js';
import { growMemory } from './memory.js';
import { growRecords } from './records.js';

const settings = { rounds: 5, sliceMs: 600 };
const soak = { requests: 1_000_000, steps: 10 };

export async function growthRun(
  world: World,
  tell: (line: string) => void,
): Promise<Pick<GrowthResults, 'slices' | 'bytesPerRecord'>> {
  tell('connections');
  const slices = await growConnections(world, settings);
  tell('body size');
  slices.push(...(await growBodies(world, settings)));
  tell('stored keys');
  const records = await growRecords(world, settings);
  tell('duplicates');
  slices.push(...records.slices, ...(await growDuplicates(world, settings)));
  tell('server processes');
  slices.push(...(await growProcesses(world, settings)));
  tell('shards');
  slices.push(...(await growShards(world, settings)));
  return { slices, bytesPerRecord: records.bytesPerRecord };
}

/** By far the longest of them. */
export async function memoryRun(world: World, tell: (line: string) => void): Promise<MemoryPoint[]> {
  return await growMemory(world, soak.requests, soak.steps, tell);
}
