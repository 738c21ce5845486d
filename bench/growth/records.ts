// Stored keys: what a record takes and costs among a thousand others and among a million.
import { rowNamed } from '../rows.js';
import { type BenchEnvironment, newPrefix, type Server } from '../run/bench-environment.js';
import type { Slice } from '../run/slice.js';
import { asGroup, type GrowthSettings, measureInRounds } from './experiments.js';

export interface RecordGrowth {
  readonly slices: readonly Slice[];
  readonly bytesPerRecord: readonly { readonly at: number; readonly bytes: number }[];
}

export async function measureRecordGrowth(
  environment: BenchEnvironment,
  settings: GrowthSettings,
  counts: readonly number[] = [1_000, 10_000, 100_000, 1_000_000],
): Promise<RecordGrowth> {
  const limit = await environment.startServer(rowNamed('limit'));
  const ours = await environment.startServer(rowNamed('onceguard-redis'));
  const slices: Slice[] = [];
  const bytesPerRecord: { at: number; bytes: number }[] = [];
  for (const at of counts) {
    bytesPerRecord.push({ at, bytes: await fill(environment, ours, at) });
    for (const pattern of ['fresh', 'replay'] as const) {
      const point = { at, connections: 32 };
      const turn = { load: `records: ${pattern}`, pattern, point };
      slices.push(...(await measureInRounds(environment, [limit, ours].map(asGroup), turn, settings)));
    }
  }
  await limit.stop();
  await ours.stop();
  return { slices, bytesPerRecord };
}

/** Returns the bytes of each record, beyond the body. */
async function fill(environment: BenchEnvironment, server: Server, records: number): Promise<number> {
  await environment.redis.flush();
  const keys = { kind: 'fresh', prefix: newPrefix() } as const;
  const one = { urls: [server.url], connections: 1, keys, durationMs: 10_000, maxRequests: 1, noteBytes: 0 };
  const { bodyBytes } = await environment.sendLoad(one);
  const before = await environment.redis.storedBytes();
  await environment.redis.copyRecord(records);
  return Math.round(((await environment.redis.storedBytes()) - before) / records - bodyBytes);
}
