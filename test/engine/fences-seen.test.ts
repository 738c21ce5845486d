// What a process remembers of fencing tokens: enough keys, and never without end.
import { expect, test } from 'vitest';
import { FencesSeen } from '../../packages/core/src/engine/fences-seen.js';

const keysRemembered = 10_000;

function seeMore(fences: FencesSeen, count: number): void {
  for (let key = 0; key < count; key += 1) fences.saw(`other ${key}`, 1);
}

test('The highest token of a key is remembered, whatever comes after it', () => {
  const fences = new FencesSeen();
  for (const fence of [3, 7, 5]) fences.saw('key', fence);
  expect(fences.of('key')).toBe(7);
  seeMore(fences, keysRemembered - 1);
  fences.saw('key', 6);
  expect(fences.of('key')).toBe(7);
});

test('A key is remembered while no more than the limit has been seen since, and forgotten at twice the limit', () => {
  const fences = new FencesSeen();
  fences.saw('key', 7);
  seeMore(fences, keysRemembered);
  expect(fences.of('key')).toBe(7);
  seeMore(fences, 2 * keysRemembered);
  expect(fences.of('key')).toBe(0);
});
