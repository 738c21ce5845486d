// The micro-benchmarks: each part of the hot path alone.
import { Bench } from 'tinybench';
import type { MicroTask } from '../report/results.js';
import type { BenchEnvironment } from '../run/bench-environment.js';
import { observerTasks } from './observers.js';
import { addParts } from './parts.js';
import { resultsOf } from './tasks.js';
import { verbTasks } from './verbs.js';

export async function microRun(environment: BenchEnvironment): Promise<MicroTask[]> {
  const bench = new Bench({ time: 700, warmupTime: 300 });
  addParts(bench);
  await bench.run();
  return [...resultsOf(bench), ...(await observerTasks()), ...(await verbTasks(environment))];
}
