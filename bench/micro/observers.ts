// What it costs that somebody observes: a fresh call of a function in memory, by who listens. Nobody is the default.
import { randomUUID } from 'node:crypto';
import { executeIdempotently, MemoryStore, onEvent } from '@onceguard/core';
import { registerIdempotencyMetrics } from '@onceguard/prometheus';
import { Registry } from 'prom-client';
import { Bench } from 'tinybench';
import { startOpenTelemetry } from '../apps/open-telemetry.js';
import type { MicroTask } from '../report/results.js';
import { resultsOf } from './tasks.js';

/** Starts the observer. Returns a function that stops it. */
type Observe = () => () => void;

const observers: readonly (readonly [name: string, observe: Observe])[] = [
  ['a fresh call, nobody observes', () => () => {}],
  ['a fresh call, with a listener of one event', () => onEvent('lease_lost', () => {})],
  ['a fresh call, with OpenTelemetry', startOpenTelemetry],
  ['a fresh call, with prom-client', () => registerIdempotencyMetrics({ register: new Registry() })],
];

export async function observerTasks(): Promise<MicroTask[]> {
  const tasks: MicroTask[] = [];
  for (const [name, observe] of observers) {
    const stop = observe();
    const store = new MemoryStore({ maxRecords: 1_000_000 });
    const bench = new Bench({ time: 700, warmupTime: 300 });
    bench.add(name, async () => {
      await executeIdempotently(() => 'paid', { store, scope: 'shop', key: randomUUID(), operation: 'pay' });
    });
    await bench.run();
    stop();
    await store.close();
    tasks.push(...resultsOf(bench));
  }
  return tasks;
}
