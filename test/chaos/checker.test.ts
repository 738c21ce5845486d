// The checker finds nothing in correct histories, and names the broken invariant in each broken one.
import { describe, expect, test } from 'vitest';
import { check } from './checker.js';
import { brokenHistories, correctHistories } from './checker-histories.js';
import { called, granted, refused, returned } from './history-builders.js';

describe('the checker', () => {
  test.each(correctHistories)('finds nothing in: %s', (_title, events) => {
    expect(check(events)).toEqual([]);
  });

  test.each(brokenHistories)('finds the violation: %s (%s)', (invariant, _title, events) => {
    const found = check(events).find((violation) => violation.invariant === invariant);
    expect(found?.why).toBeTypeOf('string');
    expect(events).toEqual(expect.arrayContaining([...(found?.history ?? [])]));
  });

  test.each(brokenHistories)('reports a minimal history: %s (%s)', (invariant, _title, events) => {
    const noise = [called(50, { call: 'n' }), refused(120, 'in_progress'), returned(5_000, 'refused', { call: 'n' })];
    const found = check([...noise, ...events]).find((violation) => violation.invariant === invariant);
    const shown = found?.history ?? [];
    expect(check(shown).map((violation) => violation.invariant)).toContain(invariant);
    for (const event of shown) {
      const others = shown.filter((other) => other !== event);
      expect(check(others).map((violation) => violation.why)).not.toContain(found?.why);
    }
  });

  test('checks every key separately', () => {
    const other = { ...granted(200, 'B', 11), key: 'another' };
    expect(check([granted(100, 'A', 10), other])).toEqual([]);
  });
});
