// Stored keys: what a record takes and costs among a thousand others and among a million.
import { rowNamed } from '../rows.js';
import type { Slice } from '../run/slice.js';
import { newPrefix, type Server, type World } from '../run/world.js';
import { alone, type GrowthSettings, inRounds } from './experiments.js';

export interface RecordsGrown {
  readonly slices: readonly Slice[];
  readonly bytesPerRecord: readonly { readonly at: number; readonly bytes: number }[];
}

export async function growRecords(
  world: World,
  settings: GrowthSettings,
  counts: readonly number[] = [1_000, 10_000, 100_000, 1_000_000],
): Promise<RecordsGrown> {
  const limit = await world.serve(rowNamed('limit'));
  const ours = await world.serve(rowNamed('onceguard-redis'));
  const slices: Slice[] = [];
  const bytesPerRecord: { at: number; bytes: number }[] = [];
  for (const at of counts) {
    bytesPerRecord.push({ at, bytes: await fill(world, ours, at) });
    for (const sent of ['fresh', 'replay'] as const) {
      const point = { at, connections: 32 };
      const turn = { load: `records: ${sent}`, sent, point };
      slices.push(...(await inRounds(world, [limit, ours].map(alone), turn, settings)));
    }
  }
  await limit.stop();
  await ours.stop();
  return { slices, bytesPerRecord };
}

/** Answers with the bytes of each, beyond the body. */
async function fill(world: World, server: Server, records: number): Promise<number> {
  await world.redis.flush();
  const keys = { kind: 'fresh', prefix: newPrefix() } as const;
  const one = { urls: [server.url], connections: 1, keys, durationMs: 10_000, maxRequests: 1, noteBytes: 0 };
  const { bodyBytes } = await world.send(one);
  const before = await world.redis.storedBytes();
  await world.redis.copyRecord(records);
  return Math.round(((await world.redis.storedBytes()) - before) / records - bodyBytes);
}
