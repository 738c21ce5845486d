// recordName: from what a person knows to the name that the engine gave the record.
import { executeIdempotently, MemoryStore, type RecordNameParts, recordName } from '@onceguard/core';
import { expect, test } from 'vitest';

async function nameInContext(options: { scope: string; key: string; operation?: string }): Promise<string> {
  const execution = await executeIdempotently((context) => context.recordName, {
    store: new MemoryStore(),
    ...options,
  });
  return execution.kind === 'executed' ? execution.value : execution.kind;
}

test.each([
  { scope: 'alice', key: 'order-17' },
  { scope: 'public', key: 'order-17' },
  { scope: 'alice', key: 'order-17', operation: 'charge' },
  { scope: 'public', key: 'order-17', operation: 'charge' },
])('the name of the record of a function is that of recordName: %j', async (parts) => {
  expect(await nameInContext(parts)).toBe(recordName(parts));
});

test('a name is another one for another scope, key, operation, method and path, and for each form', () => {
  const base = { scope: 'alice', key: 'k' };
  const all: RecordNameParts[] = [
    base,
    { ...base, scope: 'bob' },
    { ...base, key: 'K' },
    { ...base, operation: 'charge' },
    { ...base, operation: 'refund' },
    { ...base, scope: 'public', operation: 'charge' },
    { ...base, scope: { of: 'public' }, operation: 'charge' },
    { ...base, method: 'POST', path: '/charge' },
    { ...base, method: 'PATCH', path: '/charge' },
    { ...base, method: 'POST', path: '/charge/' },
    { ...base, operation: 'POST /charge' },
    { ...base, scope: 'public', method: 'POST', path: '/charge' },
    { ...base, scope: { of: 'public' }, method: 'POST', path: '/charge' },
  ];
  expect(new Set(all.map(recordName)).size).toBe(all.length);
  expect(recordName({ ...base, scope: { of: 'alice' }, method: 'post', path: '/charge' })).toBe(
    recordName({ ...base, method: 'POST', path: '/charge' }),
  );
});

test('names are what they have always been', () => {
  const parts = { scope: 'alice', key: 'order-17' };
  expect([
    recordName(parts),
    recordName({ ...parts, operation: 'create-payment' }),
    recordName({ ...parts, method: 'POST', path: '/payments' }),
  ]).toMatchInlineSnapshot(`
    [
      "s3QVtUrnlqa8PBew7uNn3ioOfchkKK0vsbSzi8A_v1g",
      "Jk4KFfGscxesnUuQhvlobFqbgR040VaFqjCA-LWYoug",
      "WrtbhPv_e0_8kmBlSoGTCX4PM9pULgKA4gxf3uWulAo",
    ]
  `);
});

test.each([
  [{}, 'scope'],
  [{ scope: '', key: 'k' }, 'scope'],
  [{ scope: null, key: 'k' }, 'scope'],
  [{ scope: {}, key: 'k' }, 'scope'],
  [{ scope: 'a' }, 'key'],
  [{ scope: 'a', key: 'k', operation: '' }, 'operation'],
  [{ scope: 'a', key: 'k', method: 'POST' }, 'other parts'],
  [{ scope: 'a', key: 'k', path: '/p' }, 'other parts'],
  [{ scope: 'a', key: 'k', method: 'POST', path: '/p', operation: 'o' }, 'other parts'],
])('parts that name no record are refused: %j', (parts, what) => {
  expect(() => recordName(parts as never)).toThrow(expect.objectContaining({ code: 'argument_invalid' }));
  expect(() => recordName(parts as never)).toThrow(what);
});
