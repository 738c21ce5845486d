// Must hold: derived keys never collide over parts, keys and scopes, stay what they are over processes and versions, and neither
// they nor anything that a store holds shows the client's key.
import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import {
  deriveKeyFromRecordName,
  type ExecuteOptions,
  executeIdempotently,
  type IdempotencyStore,
  MemoryStore,
  type OperationContext,
} from '@onceguard/core';
import { describe, expect, it } from 'vitest';
import {
  functionRecordName,
  operationRecordName,
  requestRecordName,
} from '../../packages/core/src/engine/record-name.js';
import { storeKinds } from '../adapters/store-kinds.js';
import { Random } from '../model/seeded-random.js';
import { everythingBelow } from '../support/redis-contents.js';

/** Texts that run into each other where nothing keeps them apart, and that look or sort alike. */
const similar = [
  ...['a', 'b', 'c', 'ab', 'bc', 'abc', 'A', ' a', 'a ', 'a\u0000', '\u0000a', '1', '01', '1:a', '2:ab', '1:a1:b'],
  ...[
    'a:b',
    'a/b',
    'a,b',
    'a|b',
    'a\nb',
    '["a","b"]',
    'a%2Fb',
    'a%2fb',
    'null',
    'undefined',
    '0',
    'public',
    'of public',
  ],
  ...[
    'é',
    'e\u0301',
    'K',
    '\u212a',
    'а',
    'ﬁ',
    'fi',
    'ß',
    'ss',
    '\u200ba',
    '\ufeffa',
    '\ufffd',
    '💳',
    'charge',
    'Charge',
  ],
];
/** No UTF-8 has them: two different ones must not become one. */
const loneSurrogates = ['\ud800', '\ud801', '\udfff', 'a\ud800', '\ud800a'];
const parts = ['charge', 'charge-2', 'Charge', 'char', 'ge', 'a', 'b', 'ab', 'é', 'e\u0301', ''];

describe('Derived keys', () => {
  it('do not collide: scopes, keys and parts that look alike or run into each other', () => {
    const texts = [...similar, ...loneSurrogates];
    const names = texts.flatMap((scope) => texts.map((key) => functionRecordName(scope, key)));
    const keys = names.flatMap((name) => parts.map((part) => deriveKeyFromRecordName(name, part)));
    expect(new Set(keys).size).toBe(texts.length * texts.length * parts.length);
  });

  it('do not collide: methods and paths over HTTP, nor with those of operations and functions', () => {
    const paths = ['/', '/a', '/a/', '/a/b', '/A', '//a', '/a%2Fb', '/a%2fb', '/a:b'];
    const some = similar.slice(0, 24);
    const operations = some.flatMap((scope) =>
      some.flatMap((key) =>
        paths.flatMap((path) => ['POST', 'PATCH', 'POST/a'].map((method) => ({ scope, method, path, key }))),
      ),
    );
    const names = [
      ...operations.flatMap(({ scope, method, path, key }) => [
        requestRecordName(scope, method, path, key),
        operationRecordName(scope, `${method} ${path}`, key),
      ]),
      ...some.flatMap((scope) => some.map((key) => functionRecordName(scope, key))),
    ];
    const keys = names.flatMap((name) => [deriveKeyFromRecordName(name, 'charge'), deriveKeyFromRecordName(name, 'a')]);
    expect(new Set(keys).size).toBe(some.length * some.length * (paths.length * 3 * 2 + 1) * 2);
  });

  it('do not collide: 100 000 random scopes, keys and parts of few letters (seed 4)', () => {
    const random = new Random(4);
    const text = () =>
      Array.from({ length: random.integer(1, 5) }, () => random.pick(['a', 'b', ':', '1', '/'])).join('');
    const triples = Array.from({ length: 100_000 }, () => [text(), text(), text()] as const);
    const keys = new Set(
      triples.map(([scope, key, part]) => deriveKeyFromRecordName(functionRecordName(scope, key), part)),
    );
    expect(keys.size).toBe(new Set(triples.map((triple) => JSON.stringify(triple))).size);
  });

  it('are what they have always been, in every process and under every version', async () => {
    const call = { store: new MemoryStore(), scope: 'tests', key: 'payment-1' };
    const told = await executeIdempotently((context) => context.deriveKey('charge'), call);
    expect(told).toMatchObject({ value: '2795244f-e69d-5b09-a71b-0b22ed87f54c' });
    const name = requestRecordName('of ada', 'POST', '/payments', 'payment-1');
    expect(name).toBe('EFB7I1JM2iY_SKVYdjlt8-nWdlxF8aiYsHOYU3aYtz0');
    expect(deriveKeyFromRecordName(name, 'charge')).toBe('d019b808-9728-5ddf-a723-3e862403efbd');
  });
});

describe.each(storeKinds)('What a store holds, and a derived key ($name)', ({ open }) => {
  const [scope, key] = ['tenant-of-ada', 'order-20261121-4711'];

  it('show neither the key nor the scope, nor a plain digest of either', async () => {
    const { store, prefix, close } = await open();
    const seen: string[] = [];
    const call = (options: object = {}): ExecuteOptions<unknown> => ({ store, scope, key, ...options });
    const operation = async ({ step, deriveKey: derive }: OperationContext) => {
      seen.push(derive('charge'), await step('reserve', (context) => context.key));
      await step('charge', () => fails(), { atMostOnce: true });
    };
    await executeIdempotently(operation, call()).catch(() => {});
    seen.push(await everythingIn(store, prefix));
    expect(seen.at(-1)).toContain('reserve');
    await executeIdempotently(() => 'kept', call({ key: `${key}-2` }));
    await executeIdempotently(() => 'never', call({ key: `${key}-2`, fingerprint: 'another' }));
    seen.push(await everythingIn(store, prefix));
    expect(seen.at(-1)).toContain('kept');
    await close();

    const shown = seen.join('\n').replaceAll('-', '').toLowerCase();
    const traces = [scope, key, `${key}-2`].flatMap((text) => [text.replaceAll('-', ''), ...digestsOf(text)]);
    expect(traces.filter((trace) => shown.includes(trace.toLowerCase()))).toEqual([]);
    // The search finds what is there: the derived key, which the step returned.
    expect(shown).toContain(deriveKeyFromRecordName(functionRecordName(scope, key), 'reserve').replaceAll('-', ''));
  });
});

function fails(): never {
  throw new Error('no connection');
}

/** How the digests of a text alone begin, in the spellings that people use. */
function digestsOf(text: string): string[] {
  const forms = [Buffer.from(text), Buffer.from(text, 'utf16le'), Buffer.from(`${text}\n`)];
  const spellings = ['hex', 'base64', 'base64url'] as const;
  return ['md5', 'sha1', 'sha256', 'sha512'].flatMap((algorithm) =>
    forms.flatMap((form) =>
      spellings.map((spelling) => createHash(algorithm).update(form).digest(spelling).replaceAll('-', '').slice(0, 10)),
    ),
  );
}

/** Names, fields and bytes; of Redis all that lies under the prefix. */
async function everythingIn(store: IdempotencyStore, prefix: string): Promise<string> {
  if (prefix !== '') return await everythingBelow(prefix);
  const { records } = await store.scan({ cursor: null, limit: 100 });
  return inspect(
    records.map(({ key, record }) => [key, { ...record, outcome: textOf(record.outcome) }, stepsIn(record.steps)]),
    { depth: 9, breakLength: Number.POSITIVE_INFINITY },
  );
}

function stepsIn(steps: ReadonlyMap<string, { readonly bytes: Uint8Array }>): string[][] {
  return [...steps].map(([name, { bytes }]) => [name, textOf(bytes)]);
}

function textOf(bytes: Uint8Array | null): string {
  return Buffer.from(bytes ?? []).toString();
}
