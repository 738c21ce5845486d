// The bytes that a program allocates, as the server under test reports them.
import { expect, test } from 'vitest';
import { AllocationMeter } from '../../bench/processes/allocation-meter.js';

/** A JavaScript array of numbers that are no small integers takes 8 bytes for each. */
function allocate(megabytes: number): number {
  let sum = 0;
  for (let at = 0; at < megabytes * 125; at += 1) sum += new Array(1_000).fill(at + 0.5).length;
  return sum;
}

test('What was allocated is counted, however much of it was collected meanwhile', () => {
  const meter = new AllocationMeter();
  allocate(20);
  const measured = [20, 100].map((megabytes) => {
    meter.begin();
    allocate(megabytes);
    return meter.end() / 1e6 / megabytes;
  });
  for (const share of measured) {
    expect(share).toBeGreaterThan(0.95);
    expect(share).toBeLessThan(2.2);
  }
  expect(measured[1]).toBeCloseTo(measured[0] ?? 0, 0);
});

test('Work that allocates nothing counts as next to nothing', () => {
  const meter = new AllocationMeter();
  meter.begin();
  expect(meter.end()).toBeLessThan(1e5);
});
