// What a process remembers of fencing tokens: enough keys, and never without end.
import { expect, test } from 'vitest';
import { HighestFencingTokens } from '../../packages/core/src/engine/highest-fencing-tokens.js';

const keysRemembered = 10_000;

function seeMore(fences: HighestFencingTokens, count: number): void {
  for (let key = 0; key < count; key += 1) fences.observe(`other ${key}`, 1);
}

test('The highest token of a key is remembered, whatever comes after it', () => {
  const fences = new HighestFencingTokens();
  for (const fencingToken of [3, 7, 5]) fences.observe('key', fencingToken);
  expect(fences.highest('key')).toBe(7);
  seeMore(fences, keysRemembered - 1);
  fences.observe('key', 6);
  expect(fences.highest('key')).toBe(7);
});

test('A key is remembered while no more than the limit has been seen since, and forgotten at twice the limit', () => {
  const fences = new HighestFencingTokens();
  fences.observe('key', 7);
  seeMore(fences, keysRemembered);
  expect(fences.highest('key')).toBe(7);
  seeMore(fences, 2 * keysRemembered);
  expect(fences.highest('key')).toBe(0);
});
