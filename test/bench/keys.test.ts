// The keys that a load sends: how often each, and how many of them are new.
import { expect, test } from 'vitest';
import { isRepeated, type KeyPlan, Keys } from '../../bench/keys.js';

const repeating = { kind: 'repeated', prefix: 'r', count: 4, freshPrefix: 'f' } as const;

test.each<[string, KeyPlan, { keys: number; fresh: number; repeated: number }]>([
  ['Fresh keys are never the same', { kind: 'fresh', prefix: 'f' }, { keys: 100, fresh: 100, repeated: 0 }],
  ['Repeated keys come round', { ...repeating, freshShare: 0 }, { keys: 4, fresh: 0, repeated: 100 }],
  ['Nine of ten are fresh', { ...repeating, freshShare: 0.9 }, { keys: 92, fresh: 90, repeated: 10 }],
  ['A burst is of one key', { kind: 'bursts', prefix: 'f', size: 50 }, { keys: 2, fresh: 2, repeated: 0 }],
])('%s', (_title, plan, expected) => {
  const keys = new Keys(plan);
  const sent = Array.from({ length: 100 }, () => keys.next() ?? '');
  const repeated = sent.filter(isRepeated).length;
  expect({ keys: new Set(sent).size, fresh: keys.fresh, repeated }).toEqual(expected);
});

test('Without keys every request counts as fresh', () => {
  const keys = new Keys({ kind: 'none' });
  expect([keys.next(), keys.next(), keys.fresh]).toEqual([null, null, 2]);
});
