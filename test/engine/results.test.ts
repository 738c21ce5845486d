// The result of a function is what the record holds, in the first call and in every repeat.
import assert from 'node:assert/strict';
import { type Events, executeIdempotently, makeIdempotent, OutcomeExpiredError, onEvent } from '@onceguard/core';
import { failsBefore } from '@onceguard/testing';
import { describe, expect, it } from 'vitest';
import { addOutcomeChecksum } from '../../packages/core/src/engine/checksum.js';
import { overrideVerbs } from '../adapters/store-kinds.js';
import { memoryTestbed, onEveryStore, recordNameIn, recordOf } from './store-testbed.js';

const results: [title: string, value: unknown][] = [
  ['undefined', undefined],
  ['null', null],
  ['0', 0],
  ['-0', -0],
  ['""', ''],
  ['false', false],
  ['true', true],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['a large integer', 2 ** 53 - 1],
  ['a fraction', 0.1 + 0.2],
  ['a bigint', -(2n ** 80n)],
  ['text beyond the BMP', '💳 naïve \u0000 \u2028'],
  ['a lone surrogate', '\ud800'],
  ['a Buffer', Buffer.from([0, 255, 128])],
  ['an empty Buffer', Buffer.alloc(0)],
  ['a Uint8Array', new Uint8Array([1, 2, 3])],
  ['a Uint8Array that is a part of another', new Uint8Array([1, 2, 3, 4]).subarray(1, 3)],
  ['a Date', new Date('2026-01-31T12:00:00.123Z')],
  ['a Date before 1970', new Date(-1)],
  ['an empty list', []],
  ['an empty object', {}],
  ['a list of these', [undefined, null, -0, [Number.NaN, 1n], new Date(0)]],
  ['nested objects', { a: { b: [{ c: undefined, d: Buffer.from('x') }] } }],
  ['a member named $', { $: 'undefined' }],
  ['an object that looks like a tag', { $: 'buffer', base64: 'AA==', deep: { $: 1 } }],
  ['a member named __proto__', JSON.parse('{"__proto__":{"polluted":true},"constructor":1}')],
  ['a member named toJSON', { toJSON: 1 }],
  ['members named like numbers', { 2: 'b', 1: 'a', x: 'c' }],
];

onEveryStore('A result comes back as it was, on the first call and on every repeat', (open) => {
  it.each(results)('%s', async (_title, value) => {
    const { store } = open();
    let runs = 0;
    const operation = () => {
      runs += 1;
      return value;
    };
    const pay = makeIdempotent(operation, { store, scope: 'tests', key: () => 'payment-1' });
    for (const back of [await pay(undefined), await pay(undefined), await pay(undefined)]) {
      assert.deepStrictEqual(back, value);
      expect(Object.prototype.toString.call(back)).toBe(Object.prototype.toString.call(value));
      expect(Buffer.isBuffer(back)).toBe(Buffer.isBuffer(value));
    }
    expect(runs).toBe(1);
  });
});

describe('A result that cannot be kept', () => {
  const circular: { self?: unknown } = {};
  circular.self = circular;
  const hostile = {
    get member() {
      throw new TypeError('not now');
    },
  };

  it.each([
    ['a circle', circular, /circular/],
    ['a function', () => 1, /function/],
    ['an instance of a class', new (class Money {})(), /instance of Money/],
    ['a getter that throws', hostile, /not now/],
    ['more than maxOutcomeBytes', 'x'.repeat(99), /101 bytes; maxOutcomeBytes is 100/],
  ])('is given to its caller, and the work stays done: %s', async (_title, value, reason) => {
    const { store } = memoryTestbed();
    const heard: Events['outcome_not_kept'][] = [];
    const stop = onEvent('outcome_not_kept', (event) => heard.push(event));
    let runs = 0;
    const operation = () => {
      runs += 1;
      return value;
    };
    const pay = makeIdempotent(operation, { store, scope: 'tests', key: () => 'payment-1', maxOutcomeBytes: 100 });
    expect(await pay(undefined)).toBe(value);
    await expect(pay(undefined)).rejects.toThrow(OutcomeExpiredError);
    stop();
    expect(runs).toBe(1);
    expect(heard).toEqual([
      {
        store: 'memory',
        recordName: recordNameIn(store),
        operation: 'operation',
        reason: expect.stringMatching(reason),
      },
    ]);
    expect(await recordOf(store.inner, recordNameIn(store))).toMatchObject({ state: 'completed', outcome: null });
  });

  it('is what maxOutcomeBytes says, to the byte', async () => {
    const { store } = memoryTestbed();
    const options = { store, scope: 'tests', key: 'payment-1', maxOutcomeBytes: 100 };
    await executeIdempotently(() => 'x'.repeat(98), options);
    expect(await executeIdempotently(() => 'never', options)).toMatchObject({
      kind: 'replayed',
      value: 'x'.repeat(98),
    });
  });
});

describe('A recorded result that this version cannot read', () => {
  it.each([
    ['of a later version', '{"$":"decimal","digits":"1.5"}'],
    ['with a date that is none', '{"at":{"$":"date","at":"tomorrow"}}'],
    ['with a bigint that is none', '[{"$":"bigint","digits":"twelve"}]'],
    ['that is cut off', '{"charge":'],
    ['of an error, cut off', '!{"name":"Error"'],
  ])('is an error with a code, and the work does not run again: %s', async (_title, bytes) => {
    const { inner } = memoryTestbed().store;
    const outcome = Buffer.from(bytes);
    const later = overrideVerbs(inner, {
      complete: (lease, said) => inner.complete(lease, { ...said, outcome: addOutcomeChecksum(lease.key, outcome) }),
    });
    const options = { store: later, scope: 'tests', key: 'payment-1' };
    await executeIdempotently(() => 1, options);
    const repeat = executeIdempotently(() => expect.unreachable('It ran again.'), options);
    await expect(repeat).rejects.toMatchObject({ code: 'outcome_invalid' });
  });
});

it('The first caller gets what the record holds, as every repeat does, and not the object of the operation', async () => {
  const { store } = memoryTestbed();
  const options = { store, scope: 'tests', key: 'payment-1' };
  const own: { list: number[] } = Object.assign(Object.create(null), { list: [1] });
  const first = await executeIdempotently(() => own, options);
  own.list.push(2);
  for (const { value } of [first, await executeIdempotently(() => own, options)] as { value?: unknown }[]) {
    assert.deepStrictEqual(value, { list: [1] });
  }
});

it('A result of a bypass is what the function gave', async () => {
  const { store } = memoryTestbed();
  store.injectFault('acquire', failsBefore());
  const options = { store, scope: 'tests', key: () => 'payment-1', onStoreUnavailable: 'bypass' } as const;
  expect(await makeIdempotent(() => Buffer.from('x'), options)(1)).toEqual(Buffer.from('x'));
});
