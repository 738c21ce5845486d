// What rows are compared on is the same for all of them, and comes again with the same seed.
import { expect, test } from 'vitest';
import { randomFrom, shuffled } from '../../bench/random.js';

const draw = (seed: number, count: number) => {
  const random = randomFrom(seed);
  return Array.from({ length: count }, random);
};

test('The same seed draws the same numbers, another one draws others', () => {
  expect(draw(1, 100)).toEqual(draw(1, 100));
  expect(draw(1, 100)).not.toEqual(draw(2, 100));
});

test('Numbers are from 0 to 1, and spread evenly', () => {
  const numbers = draw(0, 10_000);
  for (const number of numbers) expect(number >= 0 && number < 1).toBe(true);
  for (let tenth = 0; tenth < 10; tenth += 1) {
    const count = numbers.filter((number) => Math.floor(number * 10) === tenth).length;
    expect(Math.abs(count - 1_000)).toBeLessThan(150);
  }
});

test('In some rounds every row follows every other one', () => {
  const rows = ['a', 'b', 'c', 'd'];
  const pairs = new Set<string>();
  for (let round = 0; round < 24; round += 1) {
    const order = shuffled(rows, round);
    expect([...order].sort()).toEqual(rows);
    for (const [at, row] of order.slice(1).entries()) pairs.add(`${order[at]}${row}`);
  }
  expect(pairs.size).toBe(12);
});
