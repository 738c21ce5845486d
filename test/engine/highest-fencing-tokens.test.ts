// The fencing tokens that a process remembers: of enough keys, and never of an unlimited number.
import { expect, test } from 'vitest';
import { HighestFencingTokens } from '../../packages/core/src/engine/highest-fencing-tokens.js';

const keysRemembered = 10_000;

function observeOthers(tokens: HighestFencingTokens, count: number): void {
  for (let key = 0; key < count; key += 1) tokens.observe(`other ${key}`, 1);
}

test('The highest token of a key is remembered, whatever comes after it', () => {
  const tokens = new HighestFencingTokens();
  for (const fencingToken of [3, 7, 5]) tokens.observe('key', fencingToken);
  expect(tokens.highest('key')).toBe(7);
  observeOthers(tokens, keysRemembered - 1);
  tokens.observe('key', 6);
  expect(tokens.highest('key')).toBe(7);
});

test('A key is remembered while no more than the limit has been seen since, and forgotten at twice the limit', () => {
  const tokens = new HighestFencingTokens();
  tokens.observe('key', 7);
  observeOthers(tokens, keysRemembered);
  expect(tokens.highest('key')).toBe(7);
  observeOthers(tokens, 2 * keysRemembered);
  expect(tokens.highest('key')).toBe(0);
});

test('Each of many keys has its own token', () => {
  const tokens = new HighestFencingTokens();
  const keys = Array.from({ length: keysRemembered - 1 }, (_, at) => ({ name: `key ${at}`, token: at + 1 }));
  for (const { name, token } of keys) tokens.observe(name, token);
  expect(keys.filter(({ name, token }) => tokens.highest(name) !== token)).toEqual([]);
  expect(tokens.highest('another key')).toBe(0);
});
