// Names composed with a missing value are refused: all callers whose value is missing would share one record.
import { executeIdempotently, MemoryStore, makeIdempotent } from '@onceguard/core';
import { describe, expect, it } from 'vitest';
import { parseKey } from '../../packages/core/src/http/idempotency-key.js';

const store = new MemoryStore();
const missing: unknown = undefined;
const placeholderNames = [
  `${missing}`,
  `${null}`,
  `${Number.NaN}`,
  `${new Date(Number.NaN)}`,
  `${{}}`,
  `${Promise.resolve('order-1')}`,
  `${new Map()}`,
  `order:${missing}`,
  `${null}:order`,
  `tenant/${missing}/order`,
  `a|${Number.NaN}`,
  `a,${missing},b`,
  `order#${null}`,
  `order-${{}}`,
  JSON.stringify([`${{}}`]),
];
const acceptableNames = [
  'undefined-behaviour',
  'nullable',
  'order-null',
  'null-island',
  'NaNcy',
  'is:undefined-yet',
  'UNDEFINED',
  'Null',
  'object Object',
  '[object]',
  JSON.stringify(['order-1', null, 2]),
  JSON.stringify({ tenant: null, id: 7 }),
];

const unreachableOperation = () => expect.unreachable('It ran.');
const errorWithCode = (wanted: string) =>
  expect.objectContaining({ code: wanted, message: expect.stringContaining('names nothing') });

describe('A name that stands for nothing is refused, with the likely cause:', () => {
  it.each(placeholderNames)('%s as the key of execute and makeIdempotent', async (name) => {
    await expect(executeIdempotently(unreachableOperation, { store, scope: 'tests', key: name })).rejects.toEqual(
      errorWithCode('key_invalid'),
    );
    const work = makeIdempotent(unreachableOperation, { store, scope: 'tests', key: () => name });
    await expect(work(undefined)).rejects.toEqual(errorWithCode('key_invalid'));
  });

  it.each(placeholderNames)('%s as the scope of execute and makeIdempotent', async (name) => {
    await expect(executeIdempotently(unreachableOperation, { store, scope: name, key: 'k' })).rejects.toEqual(
      errorWithCode('scope_missing'),
    );
    const work = makeIdempotent(unreachableOperation, { store, scope: async () => name, key: () => 'k' });
    await expect(work(undefined)).rejects.toEqual(errorWithCode('scope_missing'));
  });

  it.each(placeholderNames)('%s as the header of a request', (name) => {
    const quoted = `"${name.replace(/["\\]/g, '\\$&')}"`;
    expect(parseKey([quoted])).toEqual({
      ok: false,
      reason: expect.stringMatching(/names nothing: .*(missing|promise)/),
    });
  });
});

describe('A name that only looks like it is taken:', () => {
  it.each(acceptableNames)('%s', async (name) => {
    const quoted = `"${name.replace(/["\\]/g, '\\$&')}"`;
    expect(parseKey([quoted])).toEqual({ ok: true, key: name });
    expect((await executeIdempotently(() => 'paid', { store, scope: name, key: name })).kind).toBe('executed');
  });
});
