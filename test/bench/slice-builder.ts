// Measurements for tests, which give only the figures that matter.
import type { Slice } from '../../bench/run/slice.js';

export function sliceWith(what: Partial<Slice>): Slice {
  return {
    ...{ row: 'bare', load: 'fresh', round: 0, requests: 1_000, perSecond: 1_000, cpuMicros: 400 },
    ...{ p50Ms: 10, p99Ms: 30, redisCommands: 0, redisMicros: 0, loaderCores: 0.2, wrong: null },
    ...what,
  };
}
