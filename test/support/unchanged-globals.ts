// For files that share a process: one that leaves a global changed fails, as it would change what later files test.
import { afterAll, expect, vi } from 'vitest';

const names = [
  ...['AbortSignal', 'Buffer', 'Date', 'Error', 'Headers', 'Math', 'Promise', 'Request', 'Response', 'WebSocket'],
  ...['clearInterval', 'clearTimeout', 'console', 'crypto', 'fetch', 'performance', 'process', 'queueMicrotask'],
  ...['setImmediate', 'setInterval', 'setTimeout', 'structuredClone'],
];
const remedy =
  'Restore it at the end of the file, or name the file in vitest.config.ts among those with a process of their own.';

const before = globals();

afterAll(() => {
  expect(vi.isFakeTimers(), `The timers are still fake. ${remedy}`).toBe(false);
  const changed = [...globals()].filter(([name, value]) => before.get(name) !== value).map(([name]) => name);
  expect(changed, remedy).toEqual([]);
});

function globals(): Map<string, unknown> {
  const values = names.map((name): [string, unknown] => [name, Reflect.get(globalThis, name)]);
  const variables = Object.entries(process.env).map(([name, value]): [string, unknown] => [
    `process.env.${name}`,
    value,
  ]);
  const methods = Object.entries(console).map(([name, value]): [string, unknown] => [`console.${name}`, value]);
  return new Map([...values, ...variables, ...methods]);
}
