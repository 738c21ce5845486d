// What tinybench measured, as it is kept.
import type { Bench } from 'tinybench';
import type { MicroTask } from '../report/results.js';

/** Throws where a task did. */
export function resultsOf(bench: Bench): MicroTask[] {
  return bench.tasks.map(({ name, result }) => {
    if (result.state === 'errored') throw new Error(`${name}: ${result.error.message}`, { cause: result.error });
    if (result.state !== 'completed') throw new Error(`${name} is ${result.state}`);
    const { p50, p99 } = result.latency;
    return { name, micros: micros(p50), p99Micros: micros(p99), redisMicros: null };
  });
}

function micros(ms: number): number {
  return Number((ms * 1_000).toPrecision(3));
}
