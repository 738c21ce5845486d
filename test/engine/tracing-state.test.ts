// What a tracer keeps with a call, from its start to its end.
import { executeIdempotently, MemoryStore, onExecution } from '@onceguard/core';
import { afterEach, expect, test } from 'vitest';

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

test('Listeners get back what they returned at the start of a call, and hear nothing of calls that began before they came', async () => {
  const heard: unknown[] = [];
  const listen = (name: string) => {
    const stop = onExecution({
      start: ({ outcome }) => `${name} ${outcome}`,
      asyncEnd: ({ outcome }, state) => void heard.push([state, outcome]),
    });
    cleanUps.push(stop);
  };
  listen('first');
  const store = new MemoryStore();
  await executeIdempotently(() => listen('late'), { store, scope: 'shop', key: 'order_1', operation: 'pay' });
  expect(heard).toEqual([['first null', 'executed']]);
});
