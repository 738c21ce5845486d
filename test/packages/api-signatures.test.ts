// docs/api.md shows the signatures that the packages declare. To write them anew: npx vitest run test/packages/api-signatures -u
import { expect, test } from 'vitest';
import { declarationsOf, fillSignatures, markedNames } from './api-signatures.js';
import { readRepositoryFile } from './source-trees.js';

const page = readRepositoryFile('docs/api.md');

const entryPoints = [
  '@onceguard/core',
  '@onceguard/core/store',
  '@onceguard/core/redis',
  '@onceguard/core/sql',
  '@onceguard/core/http',
  '@onceguard/core/node',
  '@onceguard/core/web',
  '@onceguard/express',
  '@onceguard/koa',
  '@onceguard/fastify',
  '@onceguard/nest',
  '@onceguard/web',
  '@onceguard/hono',
  '@onceguard/h3',
  '@onceguard/lambda',
  '@onceguard/lambda/middy',
  '@onceguard/postgres',
  '@onceguard/sqlite',
  '@onceguard/bullmq',
  '@onceguard/opentelemetry',
  '@onceguard/prometheus',
  '@onceguard/client',
  '@onceguard/client/file',
  '@onceguard/client/axios',
  '@onceguard/client/ky',
  '@onceguard/client/got',
  '@onceguard/client/undici',
  '@onceguard/client/tanstack-query',
  '@onceguard/testing',
  '@onceguard/testing/adapters',
];

test('docs/api.md has the signatures of the declarations', async () => {
  await expect(fillSignatures(page)).toMatchFileSnapshot('../../docs/api.md');
});

test.each(entryPoints)('docs/api.md has the signature of every function and class that %s declares', (entry) => {
  const callables = [...declarationsOf(entry)].filter(([, { kind }]) => /Function|Class/.test(kind));
  expect(markedNames(page, entry)).toEqual(expect.arrayContaining(callables.map(([name]) => name)));
});
