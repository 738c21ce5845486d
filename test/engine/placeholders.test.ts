// Names that JavaScript put together from a value that was missing: all such callers would share one record.
import { execute, MemoryStore, makeIdempotent } from '@onceguard/core';
import { describe, expect, it } from 'vitest';
import { parseKey } from '../../packages/core/src/http/key.js';

const store = new MemoryStore();
const missing: unknown = undefined;
const broken = [
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
const fine = [
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

const never = () => expect.unreachable('It ran.');
const code = (wanted: string) =>
  expect.objectContaining({ code: wanted, message: expect.stringContaining('names nothing') });

describe('A name that stands for nothing is refused, with the likely cause:', () => {
  it.each(broken)('%s as the key of execute and makeIdempotent', async (name) => {
    await expect(execute(never, { store, scope: 'tests', key: name })).rejects.toEqual(code('key_invalid'));
    const work = makeIdempotent(never, { store, scope: 'tests', key: () => name });
    await expect(work(undefined)).rejects.toEqual(code('key_invalid'));
  });

  it.each(broken)('%s as the scope of execute and makeIdempotent', async (name) => {
    await expect(execute(never, { store, scope: name, key: 'k' })).rejects.toEqual(code('scope_missing'));
    const work = makeIdempotent(never, { store, scope: async () => name, key: () => 'k' });
    await expect(work(undefined)).rejects.toEqual(code('scope_missing'));
  });

  it.each(broken)('%s as the header of a request', (name) => {
    const quoted = `"${name.replace(/["\\]/g, '\\$&')}"`;
    expect(parseKey([quoted])).toEqual({
      ok: false,
      reason: expect.stringMatching(/names nothing: .*(missing|promise)/),
    });
  });
});

describe('A name that only looks like it is taken:', () => {
  it.each(fine)('%s', async (name) => {
    const quoted = `"${name.replace(/["\\]/g, '\\$&')}"`;
    expect(parseKey([quoted])).toEqual({ ok: true, key: name });
    expect((await execute(() => 'paid', { store, scope: name, key: name })).kind).toBe('executed');
  });
});
