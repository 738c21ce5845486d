// The estimate of a store's clock.
import { afterEach, expect, it, vi } from 'vitest';
import { StoreClock } from '../../packages/core/src/engine/store-clock.js';

afterEach(() => void vi.useRealTimers());

it('The estimated store clock starts with the first reply, advances between replies and follows the latest one', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const clock = new StoreClock();
  expect(clock.estimate()).toBeNull();
  clock.observe(1_000_000);
  expect(clock.estimate()).toBe(1_000_000);
  vi.advanceTimersByTime(5_000.7);
  expect(clock.estimate()).toBe(1_005_000);
  clock.observe(900_000);
  expect(clock.estimate()).toBe(900_000);
});
