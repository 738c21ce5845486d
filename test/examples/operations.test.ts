// The programs of docs/operations.md and of the packages for metrics and traces do what the documents say.
import { executeIdempotently } from '@onceguard/core';
import { afterAll, expect, test } from 'vitest';
import { runToEnd } from './run-program.js';

const closing: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

/** The name is computed, because a static import would add the application's Express types to all tests. */
const program = async (name: string) => await import(`../../examples/readme/${name}.ts`);
const programOfDocs = async (name: string) => await import(`../../examples/docs/${name}.ts`);

test('The watch of docs/operations.md finds what its store has in doubt', async () => {
  const { watch } = await programOfDocs('watch-doubts');
  closing.push(async () => watch.stop());
  await expect.poll(() => watch.count).toBeGreaterThanOrEqual(0);
});

test('The logger of docs/operations.md logs an unknown outcome, and no key', async () => {
  const { status, text } = await runToEnd('docs/pino-events.ts');
  expect(status).toBe(0);
  const [line = ''] = text.split('\n').filter((each) => each.startsWith('{'));
  expect(JSON.parse(line)).toMatchObject({ msg: 'outcome_unknown', operation: 'pay', cause: 'failed', attempt: 1 });
  expect(text).not.toContain('order-17');
});

test('The keys that docs/operations.md imports get their old results', async () => {
  const { store } = await programOfDocs('import-keys');
  const call = { store, scope: 'shop', key: 'order-2', operation: 'create-order' };
  expect(await executeIdempotently(() => 'it runs again', call)).toMatchObject({
    kind: 'replayed',
    value: { order: 2 },
  });
});

test('The program of packages/opentelemetry/README.md prints a span of each call', async () => {
  const { status, text } = await runToEnd('readme/opentelemetry-package.ts');
  expect(status).toBe(0);
  expect(text.match(/name: 'idempotency charge'/g)).toHaveLength(2);
  expect(text).toMatch(/'idempotency.outcome': 'replayed'/);
});

test('The program of packages/prometheus/README.md serves the metrics of its store', async () => {
  process.env.METRICS_PORT = '0';
  const { metrics, store } = await program('prometheus-package');
  closing.push(async () => metrics.close());
  await executeIdempotently(() => 'paid', { store, scope: 'shop', key: 'order-17', operation: 'pay' });
  const page = await (await fetch(`http://127.0.0.1:${metrics.address().port}/metrics`)).text();
  expect(page).toContain('idempotency_requests_total{store="memory",operation="pay",outcome="executed"} 1');
});
