// Case 25: results of every kind are replayed unchanged, without another run; and a key names one payload.
import { isDeepStrictEqual } from 'node:util';
import { executeIdempotently } from '@onceguard/core';
import { expect } from 'vitest';
import { acquireLease, completionOf, replayedOutcome } from '../../packages/testing/src/store-suite/test-helpers.js';
import { redisUrl } from '../support/redis.js';
import { test } from './lab.js';

const results: { what: string; result: unknown }[] = [
  { what: 'null', result: null },
  { what: 'undefined', result: undefined },
  { what: 'false', result: false },
  { what: 'zero', result: 0 },
  { what: 'an empty string', result: '' },
  { what: 'no bytes', result: Buffer.alloc(0) },
  { what: 'bytes of every value', result: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)) },
  { what: 'two megabytes', result: Buffer.alloc(2_000_000, 'onceguard') },
];

test.for(results)(
  '25. A result that is $what is replayed, and the work does not run again',
  async ({ result }, { lab }) => {
    const store = await lab.connect(redisUrl());
    let runs = 0;
    const pay = () => {
      runs += 1;
      return result;
    };
    const options = { store, scope: 'faults', key: 'order', maxOutcomeBytes: 4_000_000 };
    const [first, second] = [await executeIdempotently(pay, options), await executeIdempotently(pay, options)];
    expect([first.kind, second.kind]).toEqual(['executed', 'replayed']);
    for (const execution of [first, second])
      expect('value' in execution && isDeepStrictEqual(execution.value, result)).toBe(true);
    expect(runs).toBe(1);
  },
);

test('25. An outcome of no bytes is an outcome, and is replayed', async ({ lab }) => {
  const store = await lab.connect(redisUrl());
  const lease = await acquireLease({ store, key: 'order' });
  await store.complete(lease, completionOf(''));
  expect(await replayedOutcome({ store, key: 'order' })).toBe('');
});

test('25. Another payload under the same key runs nothing, neither during the first run nor afterwards', async ({
  lab,
}) => {
  const payments = lab.payments(await lab.connect(redisUrl()));
  const other = () => payments.pay('order', undefined, { fingerprint: { amount: 2 } });
  const during = async () => expect(await other()).toBe('key_reused');
  expect(await payments.pay('order', during, { fingerprint: { amount: 1 } })).toBe('paid 1, recorded');
  expect(await other()).toBe('key_reused');
});
