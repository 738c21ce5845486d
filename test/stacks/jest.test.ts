// The packed packages in a user's Jest tests, in both environments.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createProject, installPackages, packedPackages, runTestTool } from '../packages/packed-packages.js';
import { readRepositoryFile } from '../packages/source-trees.js';

const require = createRequire(import.meta.url);
const folder = mkdtempSync(join(realpathSync(tmpdir()), 'onceguard-jest-'));

beforeAll(async () => {
  const peers = { express: 'express', koa: 'koa', ioredis: 'ioredis' };
  installPackages(folder, await packedPackages(), peers);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }), 180_000);

test.each([
  ['node', 'node'],
  ['jsdom', require.resolve('jest-environment-jsdom')],
])('In Jest’s environment %s everything runs once and is replayed', async (name, testEnvironment) => {
  const config = { testEnvironment, testMatch: ['**/*.jest.cjs'], transform: {}, cache: false };
  const at = createProject(folder, name, {
    'package.json': '{ "type": "commonjs" }',
    'jest.config.json': JSON.stringify(config),
    'payments.jest.cjs': readRepositoryFile('test/stacks/projects/payments.jest.cjs'),
  });
  expect(await runTestTool('jest/bin/jest.js', ['--ci', '--json', '--runInBand'], at)).toContain('"numFailedTests":0');
});
