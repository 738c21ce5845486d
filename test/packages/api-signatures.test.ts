// docs/api.md shows the signatures that the packages declare. To write them anew: npx vitest run test/packages/api-signatures -u
import { expect, test } from 'vitest';
import { declarationsOf, fillSignatures, markedNames } from './api-signatures.js';
import { readRepositoryFile } from './source-trees.js';

const page = readRepositoryFile('docs/api.md');

const entryPoints = [
  '@onceguard/core',
  '@onceguard/core/store',
  '@onceguard/core/redis',
  '@onceguard/core/http',
  '@onceguard/core/node',
  '@onceguard/express',
  '@onceguard/koa',
  '@onceguard/bullmq',
  '@onceguard/testing',
];

test('docs/api.md has the signatures of the declarations', async () => {
  await expect(fillSignatures(page)).toMatchFileSnapshot('../../docs/api.md');
});

test.each(entryPoints)('docs/api.md has the signature of every function and class that %s declares', (entry) => {
  const callables = [...declarationsOf(entry)].filter(([, { kind }]) => /Function|Class/.test(kind));
  expect(markedNames(page, entry)).toEqual(expect.arrayContaining(callables.map(([name]) => name)));
});
