// Options, keys, scopes and payloads of functions are checked where they enter. The message names the value and the remedy.
import { ConfigurationError, executeIdempotently, makeIdempotent, paymentPolicy } from '@onceguard/core';
import { describe, expect, it } from 'vitest';
import { summarize } from './execution-summary.js';
import { memoryTestbed } from './store-testbed.js';

const { store } = memoryTestbed();
const key = (input: unknown) => String(input);

const mistakes: [title: string, options: object, said: string, remedy: string][] = [
  ['no store', { store: undefined }, 'store is missing', 'such as new MemoryStore()'],
  ['a store that is none', { store: 'redis://' }, 'store is "redis://"', 'such as new MemoryStore()'],
  ['a duration in words', { leaseMs: '30s' }, 'leaseMs is "30s"', 'write 30000'],
  ['a duration that is a fraction', { leaseMs: 0.5 }, 'leaseMs is 0.5', 'whole number of milliseconds'],
  ['a duration that is none', { ttlMs: Number.NaN }, 'ttlMs is NaN', 'whole number of milliseconds'],
  ['a lease that lasts too long', { leaseMs: 1e9, ttlMs: 1e9 }, 'leaseMs is 1000000000', 'to 86400000'],
  ['a life under the lease', { leaseMs: 60_000, ttlMs: 1_000 }, 'ttlMs is 1000', 'at least leaseMs (60000)'],
  ['a tombstone under the life', { tombstoneMs: 1_000 }, 'tombstoneMs is 1000', 'at least ttlMs (86400000)'],
  ['a policy that does not exist', { onAbandoned: 'ignore' }, 'onAbandoned is "ignore"', '"rerun", "block", or a'],
  ['a recovery without a function', { onAbandoned: 'recover' }, 'onAbandoned is "recover"', 'that finds out'],
  ['final errors that are no classes', { finalErrors: ['TypeError'] }, 'finalErrors', 'a class of errors'],
  [
    'a final error that is no class',
    { finalErrors: { Declined: 'TypeError' } },
    'Declined is "TypeError"',
    'a class of',
  ],
  ['a class in place of final errors', { finalErrors: RangeError }, 'finalErrors is a function', '{ CardDeclined }'],
  ['final errors of one name', { finalErrors: [class A extends Error {}, class A extends Error {}] }, '"A"', 'record'],
  ['a final error without a name', { finalErrors: [class extends Error {}] }, 'finalErrors', 'static errorName'],
  ['a schema that checks nothing', { resultSchema: {} }, 'resultSchema is an object', 'a method parse'],
  ['a failure policy that does not exist', { onFailure: 'free' }, 'onFailure is "free"', '"retry" or "unknown"'],
  ['a waiting time in words', { onInProgress: { waitMs: '1s' } }, 'onInProgress.waitMs is "1s"', 'milliseconds'],
  ['a waiting time that is misspelt', { onInProgress: { wait: 5 } }, 'onInProgress.wait', 'is not an option'],
  ['no limit for results', { maxOutcomeBytes: 0 }, 'maxOutcomeBytes is 0', 'whole number of bytes'],
  ['an option that does not exist', { ttl: 5 }, 'ttl is not an option', 'ttlMs'],
];

const mistakesOfMakeIdempotent: typeof mistakes = [
  ['no scope', { scope: undefined }, 'scope is missing', 'whose keys are these'],
  ['an empty scope', { scope: '' }, 'scope is ""', 'whose keys are these'],
  ['a key that is not a function', { key: 'payment-1' }, 'key is "payment-1"', 'a function of the input'],
  ['no key', { key: undefined }, 'key is missing', 'a function of the input'],
  ['a fingerprint that is no function', { fingerprint: true }, 'fingerprint is true', 'function of the input'],
];

describe('A mistake in the options', () => {
  it.each([...mistakes, ...mistakesOfMakeIdempotent])(
    'of makeIdempotent is told when it is called: %s',
    (_title, mistake, said, remedy) => {
      const options = { store, scope: 'tests', key, ...mistake };
      const made = () => makeIdempotent(() => 1, options as never);
      expect(made).toThrow(ConfigurationError);
      expect(made).toThrow(expect.objectContaining({ code: 'option_invalid' }));
      expect(made).toThrow(said);
      expect(made).toThrow(remedy);
    },
  );

  it.each(mistakes)('of execute runs nothing: %s', async (_title, mistake, said, remedy) => {
    const options = { store, scope: 'tests', key: 'payment-1', ...mistake };
    const made = executeIdempotently(() => expect.unreachable('It ran.'), options as never);
    await expect(made).rejects.toThrow(ConfigurationError);
    await expect(made).rejects.toThrow(said);
    await expect(made).rejects.toThrow(remedy);
  });

  it('does not hide the others: every one has its line', () => {
    const wrong = { store, scope: 'tests', key, leaseMs: '30s', onFailure: 'free' };
    expect(() => makeIdempotent(() => 1, wrong as never)).toThrow(/leaseMs is "30s".*\n.*onFailure is "free"/);
  });
});

it('The payments preset can be spread', async () => {
  const pay = makeIdempotent(() => 'paid', { ...paymentPolicy, store, scope: 'tests', key });
  expect(await pay('with the preset')).toBe('paid');
});

describe('A name is a string of 1 to 1024 characters', () => {
  const names: [title: string, value: unknown, said: string][] = [
    ['empty', '', '0 characters long'],
    ['too long', 'x'.repeat(1_025), '1025 characters long'],
    ['missing', undefined, 'of type undefined'],
    ['a number', 5, 'of type number'],
    ['an object', {}, 'of type object'],
  ];

  it.each(names)('and a key that is %s runs nothing', async (_title, value, said) => {
    const message = `key is ${said}; it must be a string of 1 to 1024 characters.`;
    const wanted = expect.objectContaining({ code: 'key_invalid', message });
    const never = () => expect.unreachable('It ran.');
    await expect(executeIdempotently(never, { store, scope: 'tests', key: value as string })).rejects.toEqual(wanted);
    const wrapped = makeIdempotent(never, { store, scope: 'tests', key: () => value as string });
    await expect(wrapped(undefined)).rejects.toEqual(wanted);
  });

  it.each(names)('and a scope that is %s runs nothing', async (_title, value, said) => {
    const message = `scope is ${said}; it must be a string of 1 to 1024 characters.`;
    const wanted = expect.objectContaining({ code: 'scope_missing', message });
    const never = () => expect.unreachable('It ran.');
    await expect(executeIdempotently(never, { store, scope: value as string, key: 'payment-1' })).rejects.toEqual(
      wanted,
    );
    const wrapped = makeIdempotent(never, { store, scope: () => value as string, key });
    await expect(wrapped(undefined)).rejects.toEqual(wanted);
  });

  it('of which the longest is taken', async () => {
    expect(
      await summarize(executeIdempotently(() => 'paid', { store, scope: 'x'.repeat(1_024), key: 'x'.repeat(1_024) })),
    ).toBe('paid, recorded');
  });

  it('never part of what the store keeps', async () => {
    const { store: own } = memoryTestbed();
    await executeIdempotently(() => 'paid', { store: own, scope: 'a secret scope', key: 'a secret key' });
    expect(JSON.stringify(own.calls)).not.toContain('secret');
  });
});

describe('Scope and key together name the work', () => {
  it.each([
    ['another key', { key: 'payment-2' }],
    ['another scope', { scope: 'other tests' }],
    ['the same letters, cut elsewhere', { scope: 'testsp', key: 'ayment-1' }],
  ])('%s is other work', async (_title, other) => {
    const own = { store: memoryTestbed().store, scope: 'tests', key: 'payment-1' };
    await executeIdempotently(() => 'paid', own);
    expect(await summarize(executeIdempotently(() => 'paid too', { ...own, ...other }))).toBe('paid too, recorded');
    expect(await summarize(executeIdempotently(() => 'never', own))).toBe('paid, replayed');
  });

  it('and may come from asynchronous functions of the input', async () => {
    const { store: own } = memoryTestbed();
    const pay = makeIdempotent(async (order: { id: string; tenant: string }) => order.id, {
      store: own,
      scope: async ({ tenant }) => tenant,
      key: async ({ id }) => id,
      fingerprint: async ({ id }) => id,
    });
    expect(await pay({ id: '1', tenant: 'a' })).toBe('1');
    expect(await summarize(executeIdempotently(() => 'never', { store: own, scope: 'a', key: '1' }))).toBe(
      '1, replayed',
    );
  });

  it('and what their functions throw is the caller’s, before any call of the store', async () => {
    const { store: own } = memoryTestbed();
    const pay = makeIdempotent(() => 1, {
      store: own,
      scope: 'tests',
      key: () => {
        throw new TypeError('no id');
      },
    });
    await expect(pay({})).rejects.toThrow('no id');
    expect(own.calls).toEqual([]);
  });
});
